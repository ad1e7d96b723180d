"""What a step does and when: the parts of a compiled step, as `playbook.Step` holds them.

A step has one action; actions are told apart by `kind`. Adding one: here, in `doing` or `firing`, in `authoring`, and
where its command goes.
"""

from dataclasses import dataclass
from typing import Any, Literal

Shift = Literal["", "next", "previous"]
Unit = Literal["minutes", "hours", "days", "weeks", "business_hours", "business_days"]


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time as written: `Length(4, "business_hours")`. `amount` is 0 or more."""

    amount: int
    unit: Unit

    @property
    def shown(self) -> str:
        """For people: `4 business hours`."""
        return f"{self.amount} {self.unit.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Expr:
    """A checked expression: `text` as the author wrote it and its tree for `conditions.evaluate`.

    A tree is `("const", value)`, `("get", "usage.dau_wau")` or `(operator, tree, ...)` with the operators `and or not
    == != < <= > >= in not_in
    + - * / neg known unknown list` (`("list", tree, ...)` is a literal list; `known`/`unknown` is Jinja's `is defined`
    / `is undefined`).
    """

    text: str
    tree: Any


@dataclass(frozen=True, slots=True)
class When:
    """When a step is due.

    Exactly one of three forms: `day` (calendar days from the play's anchor, negative allowed) at local time `at`
    (`HH:MM`; empty: the
    playbook's); `after` (a step id; due `delay` after that step settled); neither: at once, when the play or the
    branch opens.
    `shift`: on a weekend or a holiday move to the next business day, or the previous one. `catch_up`: a due already
    past at entry fires at once instead of being skipped.
    """

    day: int | None = None
    at: str = ""
    after: str = ""
    delay: Length | None = None
    shift: Shift = ""
    catch_up: bool = False


AT_ONCE = When()
STALE_AFTER = Length(3, "business_days")


@dataclass(frozen=True, slots=True)
class Email:
    """`to`: roles at the customer. `template`: a name under `templates/email/`. `sender`: the teammate role shown as
    From and Reply-To.
    """

    to: tuple[str, ...]
    template: str
    sender: str = "csm"
    kind: Literal["email"] = "email"


@dataclass(frozen=True, slots=True)
class Slack:
    """A message to teammates. `to`: teammate roles. `template`: a name under `templates/slack/`."""

    to: tuple[str, ...]
    template: str
    kind: Literal["slack"] = "slack"


@dataclass(frozen=True, slots=True)
class Invite:
    """A meeting of `minutes` in the first free slot of the organizer between `start` and `end` (local `HH:MM`) on
    `day` (shifted to a business day).

    `to`: customer and teammate roles; each gets its own mail, all with one calendar UID.
    """

    to: tuple[str, ...]
    template: str
    day: int
    start: str
    end: str
    minutes: int
    organizer: str = "csm"
    kind: Literal["invite"] = "invite"


@dataclass(frozen=True, slots=True)
class Reschedule:
    """The meeting of the step `invite` moves to the first free slot between `start` and `end` on `day`."""

    invite: str
    day: int
    start: str
    end: str
    kind: Literal["reschedule"] = "reschedule"


@dataclass(frozen=True, slots=True)
class CancelMeeting:
    """The meeting of the step `invite` is taken back. `reason`: for the trace; its guests only learn that it is."""

    invite: str
    reason: str = ""
    kind: Literal["cancel"] = "cancel"


@dataclass(frozen=True, slots=True)
class Survey:
    """`survey`: which one, a key of `surveys.FORMS`. `template`: a name under `templates/surveys/`. Sent by email with
    a signed link.
    """

    survey: Literal["nps", "csat", "ces", "exit"]
    to: tuple[str, ...]
    template: str
    sender: str = "csm"
    kind: Literal["survey"] = "survey"


@dataclass(frozen=True, slots=True)
class Task:
    """Work for one teammate role. `title`: a Jinja2 text; `due`: how long the owner has, unless `by`, a day, says until
    when; `checklist`: lines to tick.
    """

    to: tuple[str, ...]
    title: str
    due: Length = Length(1, "business_days")
    checklist: tuple[str, ...] = ()
    by: When | None = None
    kind: Literal["task"] = "task"


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until `until` holds or the event `event` has happened, at most until `by`; then the branch `then` or
    `otherwise` opens. `since`: an event counts that came after this step was settled, or after the play's `entry`;
    empty: on day 0 or later, in a repeat since the round began.
    """

    by: When
    until: Expr | None = None
    event: str = ""
    since: str = ""
    kind: Literal["wait"] = "wait"


@dataclass(frozen=True, slots=True)
class SetFacts:
    """Facts of the catalogue get the values of expressions, all worked out before the first is set."""

    facts: dict[str, Expr]
    kind: Literal["set"] = "set"


@dataclass(frozen=True, slots=True)
class StartPlay:
    """Start another playbook: its entry and re-entry are judged; what this play is about is handed on."""

    playbook: str
    kind: Literal["start"] = "start"


@dataclass(frozen=True, slots=True)
class StopPlay:
    """End the plays of a playbook; empty: this play. `goal`: as a success."""

    playbook: str = ""
    goal: bool = False
    kind: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class Choose:
    """Go one of several ways: the first of `ways` that holds when the step is due opens the branch of its number, from
    "1"; when none does, `otherwise` opens where there is one.
    """

    ways: tuple[Expr, ...]
    otherwise: bool = False
    kind: Literal["choose"] = "choose"


@dataclass(frozen=True, slots=True)
class Repeat:
    """Do the branch `do` in rounds, one every `every`, until `until` holds (then `then` opens) or the last of `at_most`
    rounds is over (then `otherwise` opens).
    """

    every: Length
    until: Expr
    at_most: int
    kind: Literal["repeat"] = "repeat"


@dataclass(frozen=True, slots=True)
class Escalate:
    """Work for the next person up from whoever has the role `above`, along its fallback chain; otherwise as a task."""

    above: str
    title: str
    due: Length = Length(1, "business_days")
    checklist: tuple[str, ...] = ()
    kind: Literal["escalate"] = "escalate"


@dataclass(frozen=True, slots=True)
class Document:
    """A document for one person. `template`: a name under `templates/documents/`, Markdown; `title`: a Jinja2 text."""

    to: tuple[str, ...]
    template: str
    title: str
    kind: Literal["document"] = "document"


@dataclass(frozen=True, slots=True)
class Opportunity:
    """Something that could be sold. `opportunity`: which kind; `title`: a Jinja2 text; `closes`: how soon it should be
    closed; `value`: in whole units of currency; `commission`: of that, in percent.
    """

    to: tuple[str, ...]
    opportunity: str
    title: str
    closes: Length
    value: Expr | None = None
    commission: float | None = None
    kind: Literal["opportunity"] = "opportunity"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A signed message to another system. `endpoint`: as the settings call it; `data`: worked out when it is sent."""

    endpoint: str
    event: str
    data: dict[str, Expr]
    kind: Literal["webhook"] = "webhook"


Action = (
    Email
    | Slack
    | Invite
    | Reschedule
    | CancelMeeting
    | Survey
    | Task
    | Wait
    | Choose
    | Repeat
    | SetFacts
    | StartPlay
    | StopPlay
    | Escalate
    | Document
    | Opportunity
    | Webhook
)
