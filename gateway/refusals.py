"""How the gateway says no: one exception, answered as JSON `{"error": {"field", "problem", "fix"}}`.

`field` is the dotted path in what was sent, `problem` says what is wrong there and quotes nothing but names that we
offered, `fix` can be typed. Nothing that a sender wrote goes to a log from here.
"""

import difflib
from collections.abc import Iterable


class RefusedError(Exception):
    """What was sent cannot be taken as it is; the sender mends it and sends again. Nothing was stored as accepted."""

    def __init__(self, field: str, problem: str, fix: str, *, status: int = 422) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem
        self.fix = fix
        self.status = status

    def body(self) -> dict[str, dict[str, str]]:
        """The JSON answer."""
        return {"error": {"field": self.field, "problem": self.problem, "fix": self.fix}}


def near(word: str, choices: Iterable[str], *, otherwise: str = "") -> str:
    """A fix for a misspelt name: the nearest choices, else the first five of them, else `otherwise`."""
    known = sorted(choices)
    close = difflib.get_close_matches(word.lower(), known, n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(f'"{name}"' for name in close) + "?"
    if otherwise or not known:
        return otherwise
    return "choose one of: " + ", ".join(known[:5]) + (", ..." if len(known) > 5 else "")  # noqa: PLR2004 - the house style offers five
