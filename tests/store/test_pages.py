"""What people see is what is stored, of the right customer, the most urgent first."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from sqlalchemy import Connection, event

from lifecycle.commands import AskApproval, RaiseTask
from lifecycle.messages import Churned
from lifecycle.model import Clock, Decision, Profile
from lifecycle.trace import to_row
from store import customers, inbox, ledger, outbox, pages, projections
from store.customers import Customer
from store.database import Database
from store.pages import Counts
from store.team import Person

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def _customer(database: Database, name: str, clock: Clock) -> str:
    with database.begin() as c:
        made, _ = customers.create(
            c, outer_id=name, name=name, profile=Profile("UTC", date(2026, 3, 2)), clock=clock, contacts=[], team={}
        )
    return made.id


def _task(database: Database, customer: str, to: str, due_at: datetime) -> str:
    command = RaiseTask(f"{customer}/p/1/t/1/task/{to}", "r", "t", to, AT, due_at)
    with database.begin() as c:
        projections.raise_task(c, command, customer, f"Task of {to}", ())
    return command.touch


def _ask(database: Database, customer: str, to: str, answer_by: datetime) -> None:
    touch = f"{customer}/p/1/s/1/ask/{to}"
    command = AskApproval(touch, "r", "s", to, AT, "p/1/s", AT, answer_by, "skip")
    with database.begin() as c:
        projections.open_approval(c, command, customer, preview={"title": "S"}, card="x")


def test_an_empty_database_has_empty_pages(database: Database) -> None:
    with database.read() as c:
        assert pages.customers_page(c) == ()
        assert pages.customer_page(c, "cus_unknown") is None
        assert pages.inbox_page(c) == pages.InboxPage((), ())
        assert pages.outbox_page(c) == pages.OutboxPage((), None)
        assert pages.problems_page(c) == pages.ProblemsPage((), (), (), ())
        assert pages.counts(c) == Counts(0, 0, 0, 0, 0, 0)


def test_customers_who_wait_for_somebody_come_first(database: Database, clock: FrozenDateTimeFactory) -> None:
    clock.move_to(AT)
    names = {name: _customer(database, name, Clock(AT, AT)) for name in ("a", "b", "c", "d")}
    _task(database, names["b"], "mara", AT)
    _task(database, names["b"], "omar", AT)
    _ask(database, names["d"], "mara", AT)
    with database.begin() as c:
        customers.place_hold(c, names["a"], "mara", "dispute")
        lines = pages.customers_page(c)
        assert [(line.name, line.approvals, line.tasks) for line in lines] == [
            ("d", 1, 0),
            ("b", 0, 2),
            ("a", 0, 0),
            ("c", 0, 0),
        ]
        assert [line.held for line in lines] == ["", "", "dispute", ""]
        assert pages.customers_page(c, stage="value") == ()
        assert len(pages.customers_page(c, stage="new", limit=3)) == 3


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_list_of_customers_reads_of_approvals_and_tasks_only_the_open_ones(database: Database) -> None:
    plans: list[str] = []

    def explain(c: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        cursor = c.connection.cursor()
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plans.extend(row[3] for row in cursor.fetchall() if row[3].startswith(("SCAN", "SEARCH")))

    with database.read() as c:
        event.listen(c, "before_cursor_execute", explain)
        pages.customers_page(c)
    assert plans[:2] == ["SCAN approvals USING INDEX ix_approvals_open", "SCAN tasks USING INDEX ix_tasks_open"]
    assert [plan for plan in plans[2:] if "SCAN" in plan] == ["SCAN customers"]


def test_a_customers_page_shows_its_own_and_the_newest_first(
    database: Database, customer: Customer, team: tuple[Person, ...]
) -> None:
    other = _customer(database, "other", Clock(AT, AT))
    _task(database, other, "mara", AT)
    mine = _task(database, customer.id, "mara", AT)
    told = [Decision(AT + timedelta(hours=n), "p", "r", 1, f"s{n}", "email", "fired", "why") for n in (2, 1, 3)]
    summary = {"stage": "new", "band": "", "tier": "pro", "overdue": False, "held": "", "catalogue": "c"}
    summary |= {"seq": 1, "as_of": "2026-03-02T09:00:00Z", "next_due": None}
    batch = {"customer": customer.id, "number": 1, "decisions": [to_row(item) for item in told], "summary": summary}
    with database.begin() as c:
        projections.store_batch(c, {**batch, "snapshot": {}, "log": ""}, lambda _: "p.yaml:1")
        page = pages.customer_page(c, customer.id)
        assert page is not None
        assert pages.customer_page(c, customer.id, decisions=1) is not None
        newest = pages.decisions_since(c, 0)[-1].id
        assert pages.decisions_since(c, newest) == ()
        assert len(pages.decisions_since(c, 0, limit=2)) == 2
    assert [item.step for item in page.decisions] == ["s3", "s2", "s1"]
    assert [work.task.task for work in page.tasks] == [mine]
    assert [person.name for person in page.contacts] == ["Ada"]
    assert page.team == {"csm": team[0]}


def test_the_inbox_is_the_persons_own_or_everybodys(database: Database, clock: FrozenDateTimeFactory) -> None:
    rehearsal = _customer(database, "a", Clock(AT, AT, 86_400.0))
    real = _customer(database, "b", Clock(AT, AT))
    for customer in (rehearsal, real):
        _task(database, customer, "mara", AT + timedelta(days=1))
    _task(database, real, "omar", AT + timedelta(minutes=5))
    _ask(database, real, "mara", AT + timedelta(hours=3))
    _ask(database, real, "fay", AT + timedelta(hours=3))
    _ask(database, rehearsal, "mara", AT + timedelta(hours=2))
    clock.move_to(AT + timedelta(seconds=10))
    with database.begin() as c:
        mine, everybodys = pages.inbox_page(c, "mara"), pages.inbox_page(c)
        assert [(ask.name, ask.approval.asked) for ask in mine.approvals] == [("a", ("mara",)), ("b", ("fay", "mara"))]
        assert [(work.name, work.overdue) for work in mine.tasks if work.name == "a"] == [("a", True)]
        assert [(work.name, work.overdue) for work in mine.tasks if work.name == "b"] == [("b", False)]
        assert [work.task.to for work in everybodys.tasks] == ["omar", "mara", "mara"]
        assert [ask.name for ask in pages.inbox_page(c, "fay").approvals] == ["b"]
        urgent = pages.inbox_page(c, limit=1)
        assert ([ask.name for ask in urgent.approvals], [work.task.to for work in urgent.tasks]) == (["a"], ["omar"])
        assert pages.inbox_page(c, "nobody") == pages.InboxPage((), ())
        found = [pages.waiting_for(c, who) for who in ("mara", "omar", "fay", "nobody")]
        assert found == [len(mine.approvals) + len(mine.tasks), 1, 1, 0]
        projections.close_approval(c, real, "p/1/s", "approved", "mara")
        assert [ask.name for ask in pages.inbox_page(c).approvals] == ["a"]


def test_customers_stand_on_one_page_each(database: Database) -> None:
    names = [_customer(database, f"c{n}", Clock(AT, AT)) for n in range(5)]
    with database.read() as c:
        found = [[line.id for line in pages.customers_page(c, limit=2, offset=offset)] for offset in (0, 2, 4, 6)]
    assert found == [names[:2], names[2:4], names[4:], []]


def test_new_messages_do_not_shift_the_older_pages_of_the_outbox(database: Database, customer: Customer) -> None:
    def keep(*numbers: int) -> None:
        with database.begin() as c:
            for n in numbers:
                kind: outbox.Kind = "email" if n % 2 else "card"
                outbox.keep(c, f"t{n}", customer=customer.id, kind=kind, to="a", subject=str(n), body={}, at=AT)

    keep(*range(6))
    with database.read() as c:
        first = pages.outbox_page(c, limit=2)
        whole = pages.outbox_page(c, limit=6)
    keep(6, 0)  # one more, and one that is kept again: it stays where it was
    with database.read() as c:
        second = pages.outbox_page(c, limit=2, before=first.older)
        last = pages.outbox_page(c, limit=2, before=second.older)
        mails = pages.outbox_page(c, "email", limit=2, before=pages.outbox_page(c, "email", limit=2).older)
    shown = [[entry.subject for entry in page.entries] for page in (first, second, last, mails)]
    assert shown == [["5", "4"], ["3", "2"], ["1", "0"], ["1"]]
    assert (last.older, mails.older, whole.older) == (None, None, None)


def test_problems_and_counts_say_what_needs_a_look(database: Database, customer: Customer) -> None:
    ledger.reserve(database, "t", customer=customer.id, kind="email", lease_for=timedelta(seconds=5))
    ledger.unknown(database, "t", 1, "lost")
    with database.begin() as c:
        for number in (1, 2):
            inbox.accept(c, customer.id, "api", f"e{number}", Churned(), body_digest="d")
        inbox.failed(c, customer.id, 1, "no connection")
        inbox.park(c, "acme", "api", "e3", {"type": "x"})
        inbox.refuse(c, "api", "e4", {}, "unknown type")
        outbox.keep(c, "t", customer=customer.id, kind="email", to="ada", subject="Hi", body={}, at=AT)
        page = pages.problems_page(c)
        found = pages.counts(c)
        assert [entry.subject for entry in pages.outbox_page(c).entries] == ["Hi"]
    assert [one.touch for one in page.unknown] == ["t"]
    assert [(one.seq, one.attempts, one.error) for one in page.stuck] == [(1, 1, "no connection")]
    assert [one.event_id for one in page.refused] == ["e4"]
    assert [one.event_id for one in page.parked] == ["e3"]
    assert found == Counts(customers=1, outbox=1, backlog=2, parked=1, refused=1, unknown=1)


def test_customers_are_counted_by_their_journey(database: Database, customer: Customer) -> None:
    with database.begin() as c:
        for number, journey in enumerate(("short", "short", "standard")):
            profile = Profile("UTC", date(2026, 3, 2), journey=journey)
            customers.create(
                c, outer_id=f"c-{number}", name="C", profile=profile, clock=customer.clock, contacts=[], team={}
            )
        assert pages.journeys(c) == {"short": 2, "standard": 2}
