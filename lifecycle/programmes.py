"""What the lifecycle file lists for people and the engine never reads: risks, who answers tickets, what support
promises, programmes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk that a note may name: with one of `words`, in small letters, at the beginning of a word. `play`: the
    playbook that is suggested.
    """

    title: str
    words: tuple[str, ...]
    play: str


@dataclass(frozen=True, slots=True)
class Staffing:
    """Who answers tickets from so many a week on."""

    tickets: int
    who: str


@dataclass(frozen=True, slots=True)
class SupportPlan:
    """What a tier, or an add-on, is promised by support: in words, for people. `price`: a month."""

    title: str
    price: str
    answer: str
    channels: tuple[str, ...] = ()
    gets: str = ""


@dataclass(frozen=True, slots=True)
class Programme:
    """What customers may take part in. `fact`: who takes part, or how many do; `event`: what is counted of a calendar
    year; one of them. `target`: at least so many, `most`: and at most (None: any). `benefits`: what they get.
    """

    title: str
    target: int
    most: int | None = None
    fact: str = ""
    event: str = ""
    benefits: str = ""
