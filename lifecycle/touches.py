"""Touches: the identity of everything that is done, and how people's answers name what it was done for.

A touch is `customer/playbook/play/step/occurrence/part[/recipient]`; `Turn.touch` makes it, it is the ledger's key and
the same on every replay. `part` is `send`, `ask`, `remind-n`, `cancel`, `task`, `settle`; what a change of the team
brings about bears its name, `ask-7`, `host-7`, `leave-7`, `hand-7`. An answer is about a step and not about one
recipient, so it names `playbook/play/step`, in later rounds of a repeat with `~2`, `~3`, ...
"""

from dataclasses import dataclass

from lifecycle.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class Touch:
    """A touch taken apart. `number`: of the play. `nth`: the occurrence. `to`: empty where it is of nobody in
    particular.
    """

    customer: str
    playbook: str
    number: str
    step: str
    nth: str
    part: str
    to: str

    @property
    def play(self) -> str:
        """The key of its play."""
        return f"{self.playbook}/{self.number}"


_PARTS = 7


def read(touch: str) -> Touch:
    """Take a touch apart. Of a text that is none the last parts are empty."""
    parts = touch.split("/", 6)
    if len(parts) < _PARTS:
        parts += [""] * (_PARTS - len(parts))
    return Touch(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6])


def done_event(task: str) -> str:
    """The event that the tick of a step's task is, `<step>.done`; empty for a task that the engine raised itself."""
    found = read(task)
    return f"{found.step}.done" if found.part == "task" else ""


def name_in(touch: str) -> str:
    """What answers call the step of a touch."""
    found = read(touch)
    return name_of(found.play, found.step, found.nth)


def name_of(play: str, step: str, nth: int | str) -> str:
    """What answers call a step in a round. `play`: its key."""
    return f"{play}/{step}" if str(nth) == "1" else f"{play}/{step}~{nth}"


def named(name: str) -> tuple[str, str, str]:
    """The play, step and round that an answer names. Of a text that names none they are of no play."""
    play, _, tail = name.rpartition("/")
    step, _, nth = tail.partition("~")
    return play, step, nth or "1"


def book_of(play: str) -> str:
    """The playbook of a play's key, also of one with the customer before it that had the play."""
    return play.rpartition("/")[0].rpartition("/")[2]


def of_another(name: str) -> bool:
    """Whether what an answer names was of a customer that was merged into this one."""
    return named(name)[0].count("/") > 1


def shown(name: str) -> str:
    """The playbook and step that an answer names, for people; the same in every play and round."""
    play, step, _ = named(name)
    return f"{book_of(play)}/{step}"


def counted(number: str, last: int) -> bool:
    """Whether a text is a number from 1 to `last`; one that is longer is not read at all, because `int` has limits."""
    return number.isdecimal() and len(number) <= len(str(last)) and 1 <= int(number) <= last
