"""What `explain` says is true: why a play runs or not, what it waits for, and when it starts by itself."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from authoring import changes
from authoring.changes import Change
from authoring.explain import as_of, explain
from lifecycle.actions import Email, Length, Task, Wait, When
from lifecycle.engine import step
from lifecycle.messages import (
    BatchSettled,
    DueReached,
    Effect,
    FactsReported,
    Happened,
    HoldPlaced,
    PlayRequested,
)
from lifecycle.model import Contract
from lifecycle.playbook import (
    CONTRACT_END,
    Every,
    Step,
    Trigger,
)
from tests.fakes.explained import AT, DAY, OTHER, Told, book, compare, expr, get, runs


def test_each_clause_says_which_value_it_saw_and_since_when() -> None:
    entry = expr(("and", compare("usage.share", ">=", 0.5).tree, compare("customer.tier", "==", "pro").tree))
    about = Told(book(entry=entry), events=[FactsReported({"usage.share": 0.4})]).about()

    assert about.verdict == "never"
    assert about.reason == "never started; it would not start now: entry not met: usage.share = 0.4, not >= 0.5"
    assert [(item.text, item.met, item.because) for item in about.entry] == [
        ("usage.share >= 0.5", False, "usage.share = 0.4, not >= 0.5"),
        ("customer.tier == 'pro'", True, "customer.tier = 'pro'"),
    ]
    assert [(seen.name, seen.value, seen.at) for item in about.entry for seen in item.seen] == [
        ("usage.share", 0.4, AT + timedelta(hours=1)),
        ("customer.tier", "pro", None),
    ]


def test_a_trigger_that_waits_for_a_condition_says_how_that_stands() -> None:
    condition = expr(("and", compare("usage.share", ">=", 0.5).tree, compare("customer.tier", "==", "team").tree))
    about = Told(book(Trigger(condition=condition)), events=[FactsReported({"usage.share": 0.6})]).about()

    assert about.triggers == (f"{condition.text} becomes true (now: customer.tier = 'pro', not 'team')",)


def test_it_says_when_a_play_was_refused_and_why() -> None:
    told = Told(book(Trigger(event="kickoff.held"), entry=expr(get("setup.done"))), events=[Happened("kickoff.held")])

    assert told.about().reason == (
        "never started; refused on 2026-03-02: entry not met: setup.done unknown; "
        "it would not start now: entry not met: setup.done unknown"
    )


def test_a_play_that_ended_says_how() -> None:
    told = Told(
        book(Trigger(by_hand=True), goal=expr(get("setup.done")), reentry="once"),
        events=[PlayRequested("care", "mara"), FactsReported({"setup.done": True})],
    )
    about = told.about()

    assert about.verdict == "ended"
    assert about.reason == (
        "ended on 2026-03-02 (goal reached: setup.done = yes); it would not start now: ran before, and runs once"
    )
    assert about.change is None


def test_a_play_that_ended_is_told_without_its_trace_too() -> None:
    told = Told(
        book(Trigger(by_hand=True), goal=expr(get("setup.done"))),
        events=[PlayRequested("care", "mara"), FactsReported({"setup.done": True})],
    )
    told.past = ()

    assert told.about().reason == "ended on 2026-03-02; it would end at once: setup.done = yes"


def test_a_running_play_about_a_ticket_says_which_and_keeps_it() -> None:
    steps = (Step("w", Wait(When(day=9), compare("ticket.id", "==", "t2"))),)
    about = Told(
        book(Trigger(event="ticket.opened"), per="ticket.id", steps=steps, exit=compare("ticket.id", "!=", "t1")),
        events=[Happened("ticket.opened", {"ticket.id": "t1"})],
    ).about()

    assert about.plays[0].why == ("started about t1; day 0 is 2026-03-02; it starts when the event ticket.opened comes")
    assert about.plays[0].steps[0].change is None
    assert about.plays[0].steps[0].condition[0].seen[0].at is None
    assert about.change is not None
    assert about.change.text == "somebody stops it"


def test_open_steps_say_what_they_wait_for_and_when() -> None:
    steps = (
        Step("w", Wait(When(day=5), expr(get("setup.done")))),
        Step("e", Wait(When(day=6), event="kickoff.held")),
        Step("call", Task(("csm",), "Call"), When(day=4), condition=expr(get("milestones.setup"))),
        Step("after", Task(("csm",), "Then"), When(after="w")),
        Step("done", Task(("csm",), "Now"), When(day=0, catch_up=True)),
    )
    told = Told(book(Trigger(stage="new"), steps=steps), events=[FactsReported({"setup.done": False})])
    found = {item.step: item for item in told.about().plays[0].steps}

    assert list(found) == ["w", "e", "call"]
    assert (found["w"].why, found["e"].why) == (
        "for setup.done since 2026-03-02",
        "for kickoff.held since 2026-03-02",
    )
    assert found["call"].at == datetime(2026, 3, 6, 8, tzinfo=UTC)
    assert (found["call"].to, found["call"].condition[0].because) == ("csm", "milestones.setup = no")
    assert found["call"].condition[0].seen[0].at == AT + timedelta(hours=1)
    assert found["w"].change == Change("setup.done (setup.done = no)", (FactsReported({"setup.done": True}),))
    assert found["call"].change == Change(
        "milestones.setup (milestones.setup = no)", (FactsReported({"setup.done": True}),)
    )


TIMED = {
    "silence": (Trigger(silence="kickoff.held", length=Length(10, "days")), datetime(2026, 3, 12, 9, tzinfo=UTC)),
    "a date": (Trigger(date="trial.ends_on", days=-3), datetime(2026, 3, 16, 23, tzinfo=UTC)),
    "a contract": (Trigger(date=CONTRACT_END, days=-120), datetime(2026, 9, 1, 22, tzinfo=UTC)),
    "a cadence": (Trigger(every=(Every(1, "months"),)), datetime(2026, 4, 1, 22, tzinfo=UTC)),
    "nothing": (Trigger(stage="value"), None),
}


@pytest.mark.parametrize(("trigger", "at"), TIMED.values(), ids=TIMED)
def test_it_says_when_a_play_starts_by_itself(trigger: Trigger, at: datetime | None) -> None:
    told = Told(
        book(trigger),
        events=[FactsReported({"trial.ends_on": "2026-03-20"})],
        contracts=(Contract("k1", date(2026, 12, 31)),),
    )

    assert told.about().starts_at == at
    if at is not None:
        assert not runs(told.reach(told.state, at - timedelta(seconds=1)), "care")
        assert runs(told.reach(told.state, at), "care")


WORDS = {
    "the customer enters the stage value": Trigger(stage="value"),
    "the customer leaves the stage value": Trigger(leaving_stage="value"),
    "the band becomes red": Trigger(band="red"),
    "the band is no longer red": Trigger(leaving_band="red"),
    "the event nps.answered comes with nps.score <= 6": Trigger(
        event="nps.answered", where=compare("nps.score", "<=", 6)
    ),
    "setup.done becomes true": Trigger(condition=expr(get("setup.done"))),
    "setup.done becomes true and stays so for 1 week": Trigger(
        condition=expr(get("setup.done")), length=Length(1, "weeks")
    ),
    "no user.logged_in comes for 14 days": Trigger(silence="user.logged_in", length=Length(14, "days")),
    "it is 120 days before contract.ends_on": Trigger(date=CONTRACT_END, days=-120),
    "it is 3 days after trial.ends_on": Trigger(date="trial.ends_on", days=3),
    "trial.ends_on comes": Trigger(date="trial.ends_on"),
    "its time comes round: never if setup.done, then every month": Trigger(
        every=(Every(0, "days", None, expr(get("setup.done"))), Every(1, "months"))
    ),
    "its time comes round: every 2 weeks until day 28 if setup.done, then every month": Trigger(
        every=(Every(2, "weeks", 28, expr(get("setup.done"))), Every(1, "months"))
    ),
    "somebody starts it by hand": Trigger(by_hand=True),
}


@pytest.mark.parametrize(("words", "trigger"), WORDS.items(), ids=WORDS)
def test_triggers_are_said_in_words(words: str, trigger: Trigger) -> None:
    assert changes.starts(trigger) == words


def test_the_state_is_brought_up_to_now_with_what_was_accepted_since() -> None:
    told = Told(book(Trigger(stage="onboarding")), days=0)
    later = as_of(told.library, told.state, [(AT - DAY, FactsReported({"access.given": True}))], AT + 2 * DAY)

    assert (later.stage, later.as_of) == ("onboarding", AT + 2 * DAY)
    assert as_of(told.library, later, (), AT) == later


def test_every_playbook_is_explained_by_name_and_old_releases_that_run() -> None:
    told = Told(book(Trigger(stage="new")), OTHER)
    gone = replace(told.state.plays[0], playbook="gone")
    found = explain(told.library, replace(told.state, plays=(*told.state.plays, gone)))

    assert [item.playbook for item in found] == ["care", "gone", "other"]


def test_a_play_that_would_end_at_once_is_not_called_started() -> None:
    told = Told(
        book(Trigger(event="kickoff.held"), goal=expr(get("setup.done"))), events=[FactsReported({"setup.done": True})]
    )

    assert told.about().reason == "never started; it would end at once: setup.done = yes"
    assert told.change().text == "not setup.done (setup.done = yes) and the event kickoff.held comes"
    assert runs(told.after(told.change()), "care")


@pytest.mark.parametrize("playbook", ["", "care"], ids=["the customer", "the playbook"])
def test_a_hold_is_said(playbook: str) -> None:
    told = Told(book(Trigger(stage="new")), events=[HoldPlaced("mara", "an outage", playbook)])

    assert told.about().reason == "running since 2026-03-02; on hold since 2026-03-02: an outage"


def test_a_mail_that_its_provider_puts_off_is_not_told_as_gone() -> None:
    steps = (Step("welcome", Email(("champion",), "onboarding/welcome"), When(day=1)),)
    told = Told(book(Trigger(stage="new"), steps=steps), days=0)
    due = datetime(2026, 3, 3, 8, tzinfo=UTC)
    fired = step(told.library, told.reach(told.state, due - timedelta(seconds=1)), DueReached(), now=due)
    (mail,) = fired.commands
    told.past, again = fired.decisions, due + timedelta(minutes=20)
    later = BatchSettled((Effect(mail.touch, "later", "asks for patience", again),))
    told.state = step(told.library, fired.state, later, now=due, issued=(mail,)).state

    (put_off,) = told.about().put_off
    assert (told.past[0].step, told.past[0].verdict, told.past[0].reason) == ("welcome", "fired", "due")
    assert (put_off.step, put_off.kind, put_off.to, put_off.at) == ("welcome", "email", "champion", again)
    assert put_off.why == "its provider puts it off until then"
    replied = tuple(replace(play, paused=("con-1",)) for play in told.state.plays)
    told.state, before = replace(told.state, plays=replied), told.state
    assert told.about().put_off[0].why == "their reply waits for an answer, and it is tried again then"
    told.state = before
    held, doubtful = (replace(told.state.retries[0], **how) for how in ({"held": True}, {"why": "unknown"}))
    told.state = replace(told.state, retries=(doubtful, held))
    assert [item.why for item in told.about().put_off] == [
        "it may have arrived, and its provider is asked again then",
        "a hold keeps it back until then",
    ]
