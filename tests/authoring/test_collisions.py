"""What counts as a collision: what the decisions say, once for each thing that gave way."""

from datetime import UTC, datetime, timedelta

import pytest

from authoring.collisions import FATES, KINDS, Collisions, kind_of
from lifecycle.course import Around
from lifecycle.model import Contact, Decision, Touched, Verdict

AT = datetime(2026, 3, 3, 9, tzinfo=UTC)
AROUND = Around(
    "Europe/Berlin",
    {},
    (Contact("ada", ("champion",)), Contact("bob", ("admin",))),
    (Touched("ada", AT, "hello/1/welcome"), Touched("bob", AT, "hello/1/other")),
)


def decided(verdict: Verdict, reason: str, what: str = "email", step: str = "tip", hours: int = 0) -> Decision:
    step = "" if what == "play" else step
    return Decision(AT + timedelta(hours=hours), "care", "r1", 1, step, what, verdict, reason, "champion")


@pytest.mark.parametrize(
    ("verdict", "what", "reason", "kind"),
    [
        ("held", "email", "until 2026-03-04 09:00: cap: 1 a day to one person", "cap"),
        ("skipped", "survey", "stale: survey: one at a time, after hello/ask", "survey"),
        ("held", "invite", "until 2026-03-04 09:00: incident: down (playing.support_p1 = yes)", "incident"),
        ("held", "email", "on hold: a talk", "hold"),
        ("held", "email", "until 2026-03-04 09:00: champion replied; answer first", "reply"),
        ("skipped", "play", "the customer left: stage is churned", "churn"),
        ("cancelled", "play", "ended: exit: customer.band = 'red' in ['red']", "at risk"),
        ("skipped", "play", "entry not met: customer.band = 'red', not 'green'", "at risk"),
        ("skipped", "play", "entry not met: customer.band = 'red', not 'green'; nps.score = 5, not >= 9", ""),
        ("skipped", "play", "entry not met: nps.score = 5; nps.score = 5 <= 6; health.fell = yes", "at risk"),
        ("skipped", "play", "entry not met: nps.score = 8, not >= 9", ""),
        ("skipped", "play", "entry not met: nps.score = 8, not >= 9; renewal.churn_signal = yes", ""),
        ("skipped", "play", "entry not met: customer.stage = 'onboarding'; billing.status = 'late'", ""),
        ("cancelled", "play", "ended: goal reached: customer.band = 'green'", ""),
        ("fired", "play", "started; day 0 is 2026-03-02", ""),
        ("held", "email", "until 2026-03-04 08:00: Tue 20:00 is outside the send window", ""),
        ("held", "slack", "on hold: a talk", ""),
        ("fired", "email", "due", ""),
    ],
)
def test_a_collision_is_what_the_reason_says(verdict: Verdict, what: str, reason: str, kind: str) -> None:
    assert kind_of(decided(verdict, reason, what)) == kind
    assert not kind or kind in KINDS


@pytest.mark.parametrize(
    ("reason", "winner"),
    [
        ("entry not met: customer.band = 'red', not 'green'; health.fell = yes", "the band"),
        ("entry not met: playing.renewal_save = yes; renewal.churn_signal = yes", "a sign of leaving"),
        ("entry not met: renewal.churn_signal = yes", "a sign of leaving"),
        ("entry not met: playing.billing_churn = yes", "a cancellation"),
        ("entry not met: billing.status = 'late'; billing.status = 'late', not 'current'", "an open invoice"),
        ("entry not met: nps.score = 5; nps.score = 5 <= 6", "an unhappy answer"),
        ("entry not met: usage.change_30d = -0.4; usage.change_30d = -0.4 <= -0.3", "less use"),
        ("ended: exit: health.fell = yes", "a fallen score"),
    ],
)
def test_whatever_makes_a_customer_one_at_risk_wins_by_its_name(reason: str, winner: str) -> None:
    (found,) = told(decided("skipped", reason, "play"))
    assert found[:2] == ("at risk", winner)


def told(*decisions: Decision) -> list[tuple[str, ...]]:
    found = Collisions()
    for decision in decisions:
        found.hear(decision, AROUND)
    return [(item.kind, item.winner, item.why, item.fate) for item in found.found()]


CAP = "until 2026-03-04 09:00: cap: 1 a day to one person"


def test_one_that_is_held_twice_is_one_that_went_later() -> None:
    found = Collisions()
    for decision in (decided("held", CAP), decided("held", CAP, hours=24), decided("fired", "due", hours=48)):
        found.hear(decision, AROUND)
    (only,) = found.found()

    assert (only.winner, only.why, only.fate) == ("hello/welcome", "cap: 1 a day to one person", "moved")
    assert (only.on.isoformat(), str(only.went)) == ("2026-03-03", "2026-03-05 10:00:00+01:00")


def test_one_that_is_dropped_after_all_is_told_once() -> None:
    assert told(decided("held", CAP), decided("skipped", "stale: cap: 4 in 7 days", hours=24)) == [
        ("cap", "hello/welcome", "cap: 1 a day to one person", "dropped")
    ]


def test_one_that_still_waits_at_the_end_says_so() -> None:
    assert told(decided("held", CAP))[0][3] == "held"
    assert set(FATES) == {"moved", "held", "dropped"}


def test_a_play_that_is_refused_again_and_again_is_told_once() -> None:
    left = decided("skipped", "the customer left: stage is churned", "play")

    assert len(told(left, left, decided("skipped", "the customer left: stage is win_back", "play"))) == 2


def test_it_ends_with_its_play() -> None:
    assert told(decided("held", CAP), decided("cancelled", "the customer left: stage is churned"))[0][3] == "dropped"


@pytest.mark.parametrize(
    ("decision", "winner"),
    [
        (decided("held", "until x: survey: nps at most every 80 days, after hello/ask", "survey"), "hello/ask"),
        (decided("held", "until x: incident: down (playing.support_p1 = yes)"), "support-p1"),
        (decided("held", "until x: incident: down (billing.down = yes)"), "down (billing.down = yes)"),
        (decided("held", "on hold: a talk"), "a person"),
        (decided("held", "until x: champion replied; answer first"), "the customer's reply"),
        (decided("skipped", "the customer left: stage is churned", "play"), "the customer left"),
        (decided("held", CAP, step="welcome"), "hello/welcome"),
    ],
)
def test_the_winner_is_named(decision: Decision, winner: str) -> None:
    assert told(decision)[0][1] == winner


def test_a_winner_that_the_caps_forgot_is_not_made_up() -> None:
    found = Collisions()
    found.hear(decided("held", CAP), Around("Europe/Berlin", {}, AROUND.contacts, ()))

    assert found.found()[0].winner == ""
