"""A batch is stored once and only forward; approvals, tasks and edits end as people and the core said."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from lifecycle.commands import AskApproval, RaiseTask
from lifecycle.messages import ApprovalAnswered
from lifecycle.model import Decision
from lifecycle.trace import to_row
from store import customers, inbox, pages, projections, tables
from store.customers import Customer
from store.database import Database, now
from store.projections import Card

AT = datetime(2026, 3, 3, 8, tzinfo=UTC)
SUMMARY = {
    "stage": "onboarding",
    "band": "green",
    "tier": "enterprise",
    "overdue": True,
    "held": "dispute",
    "catalogue": "c1",
    "seq": 3,
    "as_of": "2026-03-03T08:00:00Z",
    "next_due": "2026-03-04T08:00:00.500000Z",
}


def _decision(step: str, *, release: str = "r1", minutes: int = 0) -> Decision:
    at = AT + timedelta(minutes=minutes)
    return Decision(at, "welcome", release, 1, step, "email", "fired", "day 1, 09:00", "con_1")


def _batch(customer: Customer, number: int, *decisions: Decision, **changes: Any) -> dict[str, Any]:
    return {
        "customer": customer.id,
        "number": number,
        "commands": [],
        "decisions": [to_row(item) for item in decisions],
        "summary": {**SUMMARY, **changes},
        "snapshot": {},
        "log": f"log-{number}",
    }


def _store(database: Database, batch: dict[str, Any]) -> bool:
    with database.begin() as c:
        return projections.store_batch(c, batch, lambda decision: f"playbooks/welcome.yaml:{len(decision.step)}")


def _ask(customer: Customer, *, nth: int = 0, to: str = "mara") -> AskApproval:
    return AskApproval(
        touch=f"{customer.id}/welcome/1/kickoff/1/ask-{nth}/{to}",
        release="r1",
        step="kickoff",
        to=to,
        due=AT,
        approval="welcome/1/kickoff",
        step_due=AT + timedelta(hours=8),
        answer_by=AT + timedelta(hours=4),
        expired="skip",
        recipients=("con_1", "mara"),
        nth=nth,
    )


def test_a_batch_leaves_its_decisions_in_order_and_the_customers_row(database: Database, customer: Customer) -> None:
    assert _store(database, _batch(customer, 1, _decision("hello"), _decision("kickoff", minutes=-5)))
    with database.read() as c:
        told = pages.decisions_since(c, 0)
        row = customers.get(c, customer.id)
    assert [(item.step, item.at, item.place) for item in told] == [
        ("hello", AT, "playbooks/welcome.yaml:5"),
        ("kickoff", AT - timedelta(minutes=5), "playbooks/welcome.yaml:7"),
    ]
    assert (told[0].verdict, told[0].reason, told[0].to, told[0].what) == ("fired", "day 1, 09:00", "con_1", "email")
    assert (row.stage, row.band, row.overdue, row.held, row.catalogue) == ("onboarding", "green", True, "dispute", "c1")
    assert row.next_due == datetime(2026, 3, 4, 8, 0, 0, 500_000, tzinfo=UTC)


def test_a_batch_stored_again_changes_nothing(database: Database, customer: Customer) -> None:
    assert _store(database, _batch(customer, 1, _decision("hello")))
    assert not _store(database, _batch(customer, 1, _decision("hello"), stage="value"))
    with database.read() as c:
        assert len(pages.decisions_since(c, 0)) == 1
        assert customers.get(c, customer.id).stage == "onboarding"


def test_a_batch_that_comes_late_keeps_its_decisions_but_not_the_row(database: Database, customer: Customer) -> None:
    late = _batch(customer, 1, _decision("late"), stage="new")
    late["snapshot"] = {"v": 1, "seq": 1, "old": True}
    newer = _batch(customer, 2, _decision("newer"), next_due=None)
    newer["snapshot"] = {"v": 1, "seq": 2}
    assert _store(database, newer)
    assert _store(database, late)
    with database.read() as c:
        row = customers.get(c, customer.id)
        assert (row.stage, row.next_due) == ("onboarding", None)
        assert projections.snapshot(c, customer.id) == {"v": 1, "seq": 2}
        assert {item.step for item in pages.decisions_since(c, 0)} == {"late", "newer"}


def test_the_first_batch_may_have_the_number_0(database: Database, customer: Customer) -> None:
    assert _store(database, _batch(customer, 0))
    with database.read() as c:
        assert customers.get(c, customer.id).stage == "onboarding"
        assert projections.snapshot(c, customer.id) is None


def test_what_plays_run_on_counts_as_used(database: Database, customer: Customer) -> None:
    batch = _batch(customer, 1, _decision("a"), _decision("b", release="r2"), _decision("c"))
    batch["snapshot"] = {"plays": [{"release": "r3"}, {"release": "r1"}]}
    _store(database, batch)
    _store(database, _batch(customer, 2, _decision("d")))
    with database.read() as c:
        used = c.execute(select(tables.releases_used.c.release).order_by(tables.releases_used.c.release)).scalars()
        assert list(used) == ["r1", "r2", "r3"]


def test_an_approval_keeps_its_cards_and_its_first_result(database: Database, customer: Customer) -> None:
    preview = {"title": "Kickoff", "subject": "Kickoff call", "text": "Hello"}
    with database.begin() as c:
        assert projections.approval(c, customer.id, "welcome/1/kickoff") is None
        projections.open_approval(c, _ask(customer), customer.id, preview=preview, card="D1:1")
        projections.open_approval(c, _ask(customer), customer.id, preview=preview, card="D1:2")
        projections.open_approval(c, _ask(customer, nth=1, to="fay"), customer.id, preview={}, card="D2:1")
        row = projections.approval(c, customer.id, "welcome/1/kickoff")
        assert row is not None
        assert (row.preview, row.result, row.asked, row.recipients) == (preview, "", ("mara", "fay"), ("con_1", "mara"))
        assert (row.asked_at, row.answer_by - AT, row.step_due - AT) == (AT, timedelta(hours=4), timedelta(hours=8))
        cards = projections.close_approval(c, customer.id, "welcome/1/kickoff", "approved", "fay")
        assert cards == (
            Card(_ask(customer).touch, "mara", "D1:2", 0),
            Card(_ask(customer, nth=1, to="fay").touch, "fay", "D2:1", 1),
        )
        assert projections.close_approval(c, customer.id, "welcome/1/kickoff", "expired", "") == cards
        row = projections.approval(c, customer.id, "welcome/1/kickoff")
        assert row is not None
        assert (row.result, row.closed_by) == ("approved", "fay")
        assert row.closed_at is not None
        assert abs(row.closed_at - now()) < timedelta(minutes=1)


def test_closing_what_was_never_asked_finds_no_cards(database: Database, customer: Customer) -> None:
    with database.begin() as c:
        assert projections.close_approval(c, customer.id, "unknown", "expired", "") == ()


def test_the_edit_that_counts_is_the_one_of_the_answer_that_was_taken(database: Database, customer: Customer) -> None:
    kickoff = "welcome/1/kickoff"
    answers = [
        ApprovalAnswered(kickoff, by, "approve", f"dashboard:{by}", edited=True) for by in ("omar", "mara", "fay")
    ]
    with database.begin() as c:
        assert projections.edit(c, customer.id, kickoff) is None
        for answer in answers:
            _, row = inbox.accept(c, customer.id, "dashboard", answer.by, answer, body_digest="")
            projections.save_edit(c, customer.id, kickoff, row.seq, "Hi", f"{answer.by}'s", answer.by)
        inbox.delivered(c, customer.id, 1, {"result": "not_yours", "text": "Not yours."})
        taken_before_its_reply = projections.edit(c, customer.id, kickoff)
        inbox.delivered(c, customer.id, 2, {"result": "approved", "text": "Approved."})
        inbox.delivered(c, customer.id, 3, {"result": "already", "text": "Already approved by mara."})
        found = projections.edit(c, customer.id, kickoff)
    assert found is not None
    assert found == taken_before_its_reply
    assert (found.subject, found.text, found.edited_by) == ("Hi", "mara's", "mara")


def test_an_edit_of_a_closed_approval_is_not_kept(database: Database, customer: Customer) -> None:
    command = _ask(customer)
    with database.begin() as c:
        projections.open_approval(c, command, customer.id, preview={}, card="")
        projections.close_approval(c, customer.id, command.approval, "approved", "mara")
        projections.save_edit(c, customer.id, command.approval, 2, "Hello", "Too late", "fay")
        assert projections.edit(c, customer.id, command.approval) is None


def test_a_task_is_raised_once_ticked_once_and_may_be_reopened(database: Database, customer: Customer) -> None:
    touch = f"{customer.id}/welcome/1/plan/1/task/mara"
    command = RaiseTask(touch, "r1", "plan", "mara", AT, AT + timedelta(days=2))
    with database.begin() as c:
        assert projections.task(c, touch) is None
        assert not projections.tick_task(c, touch, "mara", done=True)
        assert projections.raise_task(c, command, customer.id, "Make a plan", ("ask", "write"))
        assert not projections.raise_task(c, command, customer.id, "Another title", ())
        task = projections.task(c, touch)
        assert task is not None
        assert (task.title, task.checklist, task.to) == ("Make a plan", ("ask", "write"), "mara")
        assert (task.due_at, task.ticked_at) == (AT + timedelta(days=2), None)
        assert projections.tick_task(c, touch, "mara", done=True)
        assert not projections.tick_task(c, touch, "fay", done=True)
        task = projections.task(c, touch)
        assert task is not None
        assert task.ticked_by == "mara"
        assert projections.tick_task(c, touch, "fay", done=False)
        assert not projections.tick_task(c, touch, "fay", done=False)
        task = projections.task(c, touch)
        assert task is not None
        assert (task.ticked_by, task.ticked_at) == ("", None)


def test_nothing_is_stored_of_a_batch_that_fails(database: Database, customer: Customer) -> None:
    batch = _batch(customer, 1, _decision("hello"))
    del batch["summary"]["stage"]
    try:
        _store(database, batch)
    except KeyError:
        pass
    else:
        raise AssertionError
    with database.read() as c:
        assert c.execute(select(func.count()).select_from(tables.batches)).scalar_one() == 0
        assert pages.decisions_since(c, 0) == ()
