"""Answers of people, from Slack or the dashboard: who may give them, and how they become inbox rows with a Reply.

Entitlement (`entitled`) is checked before anything is written. The id of a press makes a second press a repeat.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection

from gateway.deliver import Deliverer
from gateway.entitled import Answer, refusal
from gateway.intake import Lifecycles
from lifecycle import touches
from lifecycle.jsonform import digest, encode
from lifecycle.messages import ApprovalAnswered, HoldLifted, HoldPlaced, Reply, StageSet, TaskTicked
from lifecycle.playbook import OUTSIDE_STAGES
from store import customers, facts, inbox, projections, team
from store.database import Database
from store.inbox import Accepted
from store.team import Person

ON_ITS_WAY = Reply(
    "recorded",
    ("Your answer is recorded. It counts once the engine is reachable again, unless the time to answer is over."),
)
ANOTHER = Reply("already", "This form was used for another answer. Nothing was done; load the page again.")


@dataclass(frozen=True, slots=True)
class Press:
    """One answer of one person. `source` and `id` are unique together: `slack`, `dashboard` or `cli`, and the
    press.
    `edit`: subject and text that go out instead, kept with the answer.
    """

    source: Literal["slack", "dashboard", "cli"]
    id: str
    customer: str
    by: Person
    event: Answer
    edit: tuple[str, str] | None = None

    @property
    def whose(self) -> str:
        """The customer whose workflow judges it: a task is ticked where it was raised, whoever has it since a merge."""
        return touches.read(self.event.task).customer if isinstance(self.event, TaskTicked) else self.customer


@dataclass(frozen=True, slots=True)
class Answers:
    """Takes answers in and tells what became of them."""

    db: Database
    lifecycles: Lifecycles
    deliverer: Deliverer

    async def give(self, press: Press) -> Reply:
        """Record the answer, deliver it, and return the core's Reply, or `ON_ITS_WAY` after 2.5 s."""
        refusal = await self.record(press)
        return refusal or await self.outcome(press)

    async def record(self, press: Press) -> Reply | None:
        """Make the answer durable; a Reply instead when it is not this person's to give."""
        return await asyncio.to_thread(record, self.db, self.lifecycles, press)

    async def outcome(self, press: Press) -> Reply:
        """What became of a recorded answer."""
        reply = await self.deliverer.answered(press.whose, press.source, press.id)
        return ON_ITS_WAY if reply is None else await asyncio.to_thread(self._named, reply)

    def _named(self, reply: dict[str, str]) -> Reply:
        with self.db.read() as c:
            return named(c, reply)


def record(db: Database, lifecycles: Lifecycles, press: Press) -> Reply | None:
    """Make an answer durable; a Reply instead when it is not this person's to give. Whoever delivers finds it."""
    with db.begin() as c:
        _, lifecycle = lifecycles.current(c)
        refused = refusal(c, lifecycle, press.whose, press.by, press.event)
        if refused is not None and inbox.reply_to(c, press.source, press.id) is None:  # a repeat is told what it was
            return named(c, encode(refused))
        facts.note(c, press.whose, press.event, lifecycle)
        body_digest = digest(encode(press.event))
        accepted, row = inbox.accept(c, press.whose, press.source, press.id, press.event, body_digest=body_digest)
        if accepted is Accepted.NEW:
            _keep(c, press, row.seq)
        return ANOTHER if accepted is Accepted.CONFLICT else None


def _keep(c: Connection, press: Press, seq: int) -> None:
    """What sends in flight must see at once: a hold, or that the customer left. And the text that an approval sends.

    Once for each press: a hold that was lifted since is not placed again by a repeat.
    """
    match press.event:
        case HoldPlaced(reason=reason, playbook=playbook):
            customers.place_hold(c, customers.scope_of(press.customer, playbook), press.by.id, reason)
        case HoldLifted(playbook=playbook):
            customers.lift_hold(c, customers.scope_of(press.customer, playbook))
        case StageSet(stage=stage):
            customers.stop(c, press.customer, stage in OUTSIDE_STAGES)
        case ApprovalAnswered(approval=approval) if press.edit is not None:
            projections.save_edit(c, press.customer, approval, seq, *press.edit, press.by.id)
        case _:
            pass


def named(c: Connection, reply: Mapping[str, str]) -> Reply:
    """A Reply for people: the core knows teammates by id, people by name."""
    names = {person.id: person.name for person in team.teammates(c)}
    text = re.sub(r"\bby ([\w-]+)", lambda found: f"by {names.get(found[1], found[1])}", reply["text"])
    return Reply(reply["result"], text)
