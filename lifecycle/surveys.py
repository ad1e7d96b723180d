"""Which surveys there are, and what an answer to each can be. The words that people read stand in `gateway` and in the
templates.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import MappingProxyType

IN_TIME = timedelta(days=14)
"""How long after it was sent a survey's answer starts what it starts. Later ones, until the link expires, are late:
they are recorded and told as such, and a person sees to them. In the customer's time, unlike the link's own life.
"""
REASONS = ("alternative", "no_longer_needed", "too_expensive", "missing_features", "poor_experience", "other")
RETURNS = ("yes", "maybe", "unlikely", "no")


@dataclass(frozen=True, slots=True)
class Form:
    """What is asked. `scale`: the lowest and the highest score; None: there is no score. `choices`: what must be chosen
    besides, by name; each becomes the fact `<survey>.<name>`.
    """

    scale: tuple[int, int] | None = None
    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def fits(self, score: int | None) -> bool:
        """Whether a score is one of this survey."""
        if self.scale is None or score is None:
            return self.scale is None and score is None
        return self.scale[0] <= score <= self.scale[1]


FORMS: Mapping[str, Form] = MappingProxyType(
    {
        "nps": Form((0, 10)),
        "csat": Form((1, 5)),
        "ces": Form((1, 7)),
        "exit": Form(choices={"reason": REASONS, "would_return": RETURNS}),
    }
)


def facts_set(survey: str) -> tuple[str, ...]:
    """The facts that an answer to a survey sets."""
    form = FORMS[survey]
    names = (*(("score",) if form.scale else ()), *form.choices)
    return tuple(f"{survey}.{name}" for name in names)
