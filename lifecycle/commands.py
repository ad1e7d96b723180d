"""Commands: what the shell must do. A closed union, each member imperative and tagged by `kind`.

Each has a touch, its identity; see `touches`. Adding a member: add it to the union, to what issues it, to
`activities.effects`, and to the tests that name every kind.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from lifecycle.model import Value
from lifecycle.quick import quick


@quick
@dataclass(frozen=True, slots=True)
class SendEmail:
    """`release`/`step`: where the template and its sender stand. `to`: contact id. `due`: nominal instant, the date
    that the mail shows.
    """

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    edited: bool = False
    kind: Literal["send_email"] = "send_email"


@dataclass(frozen=True, slots=True)
class SendSurvey:
    touch: str
    release: str
    step: str
    to: str
    due: datetime
    edited: bool = False
    kind: Literal["send_survey"] = "send_survey"


@quick
@dataclass(frozen=True, slots=True)
class SendInvite:
    """`meeting`: the touch without its recipient, from which the calendar UID comes. `opens`/`closes`: the slot lies
    between. `organizer`: teammate id. `guests`: every invited contact and teammate id, `to` among them. `moves`: how
    often the meeting was moved by now, iTIP's SEQUENCE; 0 is the first invitation. `change`: of which change of the
    customer's team this tells; then the meeting keeps its time, and has this organizer and these guests.
    """

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    meeting: str
    opens: datetime
    closes: datetime
    organizer: str
    guests: tuple[str, ...]
    edited: bool = False
    moves: int = 0
    change: str = ""
    kind: Literal["send_invite"] = "send_invite"


@dataclass(frozen=True, slots=True)
class CancelInvite:
    """Take back a meeting: iTIP CANCEL with the UID of `meeting` to `to`. `change`: the change of the customer's team
    by which `to` is no longer at it; then the meeting itself stays.
    """

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    meeting: str
    reason: str
    change: str = ""
    kind: Literal["cancel_invite"] = "cancel_invite"


@quick
@dataclass(frozen=True, slots=True)
class PostSlack:
    """A message to a teammate."""

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    kind: Literal["post_slack"] = "post_slack"


@quick
@dataclass(frozen=True, slots=True)
class AskApproval:
    """A card with approve / edit / reject. `approval`: the id that presses carry. `to`: teammate id. `answer_by`: when
    silence decides; `expired`: what it means.

    `due`: nominal instant of asking; `step_due`: when the approved step would fire. `nth`: 0 for the first card, then
    reminders and rungs of the ladder. `day_zero`: what the step's days count from, where that is not the play's anchor.
    """

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    approval: str
    step_due: datetime
    answer_by: datetime
    expired: Literal["skip", "proceed"]
    recipients: tuple[str, ...] = ()
    nth: int = 0
    day_zero: date | None = None
    kind: Literal["ask_approval"] = "ask_approval"


@dataclass(frozen=True, slots=True)
class SettleApproval:
    """Take the buttons off every card of an approval. `result`: approved, rejected, expired, withdrawn, superseded.
    `to`: off the cards of this teammate alone, who is asked no more; the question stays open.
    """

    touch: str
    release: str
    step: str
    due: datetime
    approval: str
    result: str
    by: str = ""
    to: str = ""
    kind: Literal["settle_approval"] = "settle_approval"


@quick
@dataclass(frozen=True, slots=True)
class RaiseTask:
    """Work for a teammate. `title` is a finished sentence when the engine raises it; empty when the step's own title
    is rendered. `due_at`: when it is overdue.
    """

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    due_at: datetime
    title: str = ""
    kind: Literal["raise_task"] = "raise_task"


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give the open tasks of some roles to who has these now, `to`, and tell them. `roles`: to who had each before."""

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    roles: dict[str, str]
    reason: str = ""
    kind: Literal["hand_over"] = "hand_over"


@dataclass(frozen=True, slots=True)
class MakeDocument:
    """Fill in a document's template from what is known, and keep it for `to`."""

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    kind: Literal["make_document"] = "make_document"


@dataclass(frozen=True, slots=True)
class RecordOpportunity:
    """Keep an opportunity of which `to` is the owner. `value`: None where it is not known."""

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    closes_at: datetime
    value: float | None = None
    kind: Literal["record_opportunity"] = "record_opportunity"


@dataclass(frozen=True, slots=True)
class CallWebhook:
    """Tell another system. `to`: the endpoint, as the settings call it; `data`: without what is not known."""

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    event: str
    data: dict[str, Value] = field(default_factory=dict)
    kind: Literal["call_webhook"] = "call_webhook"


Command = (
    SendEmail
    | SendSurvey
    | SendInvite
    | CancelInvite
    | PostSlack
    | AskApproval
    | SettleApproval
    | RaiseTask
    | HandOver
    | MakeDocument
    | RecordOpportunity
    | CallWebhook
)
