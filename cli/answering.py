"""Answers of people from the command line: into the inbox as from the dashboard, and what became of them.

The gateway's deliverer carries them to the customers' workflows; while none runs they wait, and nothing is lost.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import settings as configuration
from cli.connection import require_schema
from cli.explain import find
from cli.processes import ProcessError
from cli.sign_in import NoSuchTeammateError
from gateway.answers import ON_ITS_WAY, Press, named, record
from gateway.entitled import Answer
from gateway.intake import Lifecycles
from gateway.pages import new_press
from gateway.refusals import near
from lifecycle.messages import Reply
from store import inbox, releases, team
from store.customers import Customer
from store.database import Database, now, open_database
from store.team import Person

ANSWERED_WITHIN = timedelta(seconds=10)
LOOK_EVERY = 0.1


@dataclass(frozen=True)
class Desk:
    """A database, and the teammate in whose name answers are given."""

    db: Database
    by: Person

    def customer(self, wanted: str) -> Customer:
        """The customer with this id, the sender's or ours; NoSuchError where there is none."""
        with self.db.read() as c:
            return find(c, wanted)

    def give(self, customer: Customer, event: Answer) -> Reply:
        """Record an answer and wait for its reply; `ON_ITS_WAY` where none comes in time."""
        return self.give_all([(customer, event)])[0]

    def give_all(self, those: Sequence[tuple[Customer, Answer]]) -> list[Reply]:
        """Record all answers, then wait for their replies together."""
        lifecycles = Lifecycles()
        presses = [Press("cli", new_press(), customer.id, self.by, event) for customer, event in those]
        refusals = [record(self.db, lifecycles, press) for press in presses]
        until = now() + ANSWERED_WITHIN
        return [refusal or self._outcome(press, until) for press, refusal in zip(presses, refusals, strict=True)]

    def _outcome(self, press: Press, until: datetime) -> Reply:
        """What the core said, once the gateway has delivered."""
        while True:
            with self.db.read() as c:
                reply = inbox.reply_to(c, press.source, press.id)
                if reply is not None:
                    return named(c, reply)
            if now() >= until:
                return ON_ITS_WAY
            time.sleep(LOOK_EVERY)


@contextmanager
def desk(by: str) -> Iterator[Desk]:
    """The desk of a teammate, by id or address.

    Raises:
        NoSuchTeammateError: nobody on the team is called that.
        ProcessError: the database does not answer, is not of this version, or has no playbooks.
    """
    database = open_database(configuration.load().database_url)
    try:
        require_schema(database)
        with database.read() as c:
            people, current = team.teammates(c), releases.current(c)
        if current is None:
            raise ProcessError("no playbooks are applied yet; run `stageplay apply`")
        found = next((one for one in people if by in {one.id, one.email}), None)
        if found is None:
            fix = near(by, (one.id for one in people))
            raise NoSuchTeammateError(
                f'nobody on the team is "{by}"\n  why: answers are given in a teammate\'s name.\n  fix: {fix}'
            )
        yield Desk(database, found)
    finally:
        database.close()


def answer(customer: str, by: str, event: Callable[[Desk, Customer], Answer]) -> int:
    """Give one answer for one customer, print the reply, return the exit code: 1 where nothing was done."""
    with desk(by) as mine:
        whose = mine.customer(customer)
        reply = mine.give(whose, event(mine, whose))
    print(f"{whose.name}: {reply.text}")
    return int(reply.result not in {"done", ON_ITS_WAY.result})
