"""A customer's place in each phase: by what is known of it, by what was sent, and by tasks that are ticked."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from lifecycle.actions import Expr
from lifecycle.checklists import Checklist, Item
from lifecycle.commands import RaiseTask
from lifecycle.model import Decision, Fact, Play
from lifecycle.playbook import Lifecycle
from lifecycle.trace import to_row
from store import projections, tables
from store.checklists import standings
from store.customers import Customer
from store.database import Database
from store.known import Known

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SUMMARY = {"stage": "new", "band": "", "tier": "pro", "overdue": False, "held": "", "catalogue": "c"}
SUMMARY |= {"seq": 1, "as_of": "2026-03-02T09:00:00Z", "next_due": None}
PLAYING = Expr("playing.a_b", ("get", "playing.a_b"))
LIFE = Lifecycle(
    name="standard",
    title="Standard",
    file="lifecycle.yaml",
    stages=(),
    checklists=(
        Checklist(
            "onboard",
            "Onboard",
            (
                Item("Welcome", None, ("hello/welcome", "other/welcome")),
                Item("Plan", None, ("hello/plan",)),
                Item("Value", Expr("v", ("get", "value.named"))),
                Item("Playing", PLAYING),
            ),
        ),
        Checklist("adopt", "Adopt", ()),
    ),
)


def test_nothing_is_done_of_a_new_customer(database: Database, customer: Customer) -> None:
    with database.read() as c:
        onboard, adopt = standings(c, LIFE, customer, Known())
    assert (onboard.done, len(onboard.lines), onboard.place) == (0, 4, "Welcome")
    assert (adopt.done, adopt.place) == (0, "")


def test_an_item_is_done_by_what_is_known_sent_or_ticked(database: Database, customer: Customer) -> None:
    play = Play("a-b", "0" * 16, 1, date(2026, 3, 2), "UTC", AT)
    found = Known({"value.named": Fact(value=True, at=AT)}, plays=(play, replace(play, playbook="over", over=True)))
    touch = f"{customer.id}/hello/1/plan/1/task/mara"
    task = RaiseTask(touch, "0" * 16, "plan", "mara", AT, AT + timedelta(days=1), "Plan it")
    sent = Decision(AT, "hello", "0" * 16, 1, "welcome", "email", "fired", "due")
    raised = Decision(AT, "hello", "0" * 16, 1, "plan", "task", "fired", "due")
    with database.begin() as c:
        projections.raise_task(c, task, customer.id, "Plan it", ())
        told = [to_row(sent), to_row(raised)]
        batch = {"customer": customer.id, "number": 1, "decisions": told, "summary": SUMMARY, "snapshot": {}, "log": ""}
        projections.store_batch(c, batch, lambda _: "p.yaml:1")
        (onboard, _) = standings(c, LIFE, customer, found)
        assert [line.done for line in onboard.lines] == [True, False, True, True]
        assert onboard.place == "Plan"
        c.execute(tables.tasks.update().values(ticked_at=AT, ticked_by="mara"))
        (onboard, _) = standings(c, LIFE, customer, found)
    assert (onboard.done, onboard.place) == (4, "")


def test_a_lifecycle_without_checklists_asks_for_nothing(database: Database, customer: Customer) -> None:
    with database.read() as c:
        assert standings(c, replace(LIFE, checklists=()), customer, Known()) == ()
