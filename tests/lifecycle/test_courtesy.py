"""What is not said beside something else: other news during an incident, a survey beside a survey."""

from dataclasses import replace
from typing import Any

import pytest

from lifecycle.actions import Email, Expr, Length, Survey, When
from lifecycle.courtesy import Incident, Politeness
from lifecycle.messages import Churned, Happened, Returned, SurveyAnswered
from lifecycle.model import Teammate
from lifecycle.playbook import Playbook, Step, Trigger

DOWN = Incident(Expr("setup.api", ("get", "setup.api")), 90, "their service is down")
ASKED = Politeness(per_day=5, per_week=9, survey_open=Length(7, "days"), surveys={"nps": Length(80, "days")})
KEPT = "send_email welcome ada"


@pytest.fixture
def worried(given: Any) -> Any:
    return given.life(politeness=Politeness(incidents=(DOWN,)))


@pytest.fixture
def asking(given: Any) -> Any:
    return given.life(politeness=ASKED)


def ask(name: str, kind: Any = "nps", day: int = 1, to: tuple[str, ...] = ("champion",)) -> Step:
    return Step(name, Survey(kind, to, kind), When(day=day))


def late(given: Any, *steps: Step, **fields: Any) -> Playbook:
    """A playbook of its own, after the other one by priority."""
    book: Playbook = given.book(*steps, name="later", priority=10, **fields)
    return book


def test_in_an_incident_a_customer_hears_of_nothing_else_until_another_day(given: Any, worried: Any) -> None:
    story = given(given.book(given.email("welcome"), given.task("call", When(day=1))), life=worried)
    story.when(Happened("api.connected"), at="2026-03-03 08:00").when(at="2026-03-03 09:00")
    story.then("raise_task call mara")
    why = "incident: their service is down (setup.api = yes)"
    story.decided("held email welcome", f"until 2026-03-04 09:00: {why}")
    story.when(Happened("kickoff.held", {"setup.api": False}), at="2026-03-03 12:00").then()
    story.when(at="2026-03-04 09:00").then(KEPT)


def test_what_waits_too_long_for_the_end_of_an_incident_is_dropped(given: Any, worried: Any) -> None:
    story = given(given.book(given.email("welcome")), life=worried)
    story.when(Happened("api.connected"), at="2026-03-03 08:00").when(at="2026-03-04 12:00").when(at="2026-03-05 09:00")
    story.decided("held email welcome").when(at="2026-03-06 09:00").decided("skipped email welcome", "stale: incident")


def test_the_incidents_own_playbook_speaks_and_teammates_meet(given: Any, worried: Any) -> None:
    own = given.book(given.email("sorry"), name="own", priority=90)
    inside = replace(given.invite("talk"), action=replace(given.invite("talk").action, to=("csm",)))
    story = given(own, given.book(inside), life=worried)
    story.when(Happened("api.connected"), at="2026-03-03 08:00").when(at="2026-03-03 09:00")
    story.then("send_email sorry ada", "send_invite talk mara")


def test_one_survey_at_a_time_until_it_is_answered(given: Any, asking: Any) -> None:
    story = given(given.book(ask("first")), late(given, ask("second", "csat")), life=asking)
    story.when(at="2026-03-03 09:00").then("send_survey first ada")
    story.decided("held survey second", "until 2026-03-04 09:00: survey: one at a time, after play/first")
    story.when(SurveyAnswered("nps", "ada", 9), at="2026-03-03 12:00").then()
    story.when(at="2026-03-04 09:00").then("send_survey second ada")


def test_a_survey_nobody_answers_is_closed_after_a_week(given: Any, asking: Any) -> None:
    story = given(given.book(ask("first")), late(given, ask("second", "csat", day=8)), life=asking)
    story.when(at="2026-03-03 09:00").then("send_survey first ada")
    story.when(at="2026-03-10 09:00").then("send_survey second ada")


def test_a_survey_is_waited_for_as_long_as_it_says(given: Any) -> None:
    life = given.life(politeness=replace(ASKED, survey_open=Length(20, "days")))
    first = given.book(ask("first", "csat"), given.email("tip", When(day=10)))
    story = given(first, late(given, ask("second", day=11)), life=life)
    story.when(at="2026-03-03 09:00").when(at="2026-03-12 09:00").then("send_email tip ada")
    story.when(at="2026-03-13 09:00").then()
    story.decided("held survey second", "until 2026-03-14 09:00: survey: one at a time, after play/first")


def test_another_person_may_be_asked(given: Any, asking: Any) -> None:
    story = given(given.book(ask("first")), late(given, ask("second", "csat", to=("admin",))), life=asking)
    story.when(at="2026-03-03 09:00").then("send_survey first ada", "send_survey second bob")


def test_the_same_survey_comes_again_only_after_its_gap(given: Any, asking: Any) -> None:
    again = late(given, ask("soon", day=79), ask("later", day=81))
    story = given(given.book(ask("first"), given.email("tip", When(day=30))), again, life=asking)
    story.when(SurveyAnswered("nps", "ada", 9), at="2026-03-03 12:00").when(at="2026-05-20 08:00")
    story.when(at="2026-05-20 09:00").decided(
        "held survey soon", "until 2026-05-22 09:00: survey: nps at most every 80 days, after play/first"
    )
    story.when(at="2026-05-22 09:00").then("send_survey soon ada")
    story.decided("skipped survey later", "stale: survey: nps at most every 80 days, after later/soon")


def test_who_has_left_is_asked_why_whatever_else_was_asked(given: Any, asking: Any) -> None:
    leaving = given.book(
        Step("why", Survey("exit", ("champion",), "exit")),
        name="why",
        trigger=Trigger(stage="churned"),
        reentry="again",
        anchor="entry",
    )
    story = given(given.book(ask("first")), leaving, life=asking).when(at="2026-03-03 09:00")
    story.when(Churned("gone"), at="2026-03-04 10:00").then("send_survey why ada")
    story.when(Returned(), at="2026-03-05 10:00").when(Churned("gone again"), at="2026-03-06 10:00")
    story.then("send_survey why ada")


def test_a_survey_of_a_playbook_that_is_gone_keeps_nobody_back(given: Any, asking: Any) -> None:
    later = late(given, ask("second", "csat", day=2))
    story = given(given.book(ask("first")), later, life=asking).when(at="2026-03-03 09:00")
    story.when(story.apply(later), at="2026-03-03 12:00")
    story.when(at="2026-03-04 09:00").then("send_survey second ada")


def test_without_limits_surveys_go_side_by_side(given: Any) -> None:
    life = given.life(politeness=Politeness(per_day=5))
    story = given(given.book(ask("first")), late(given, ask("second")), life=life)
    story.when(at="2026-03-03 09:00").then("send_survey first ada", "send_survey second ada")


def test_nobody_gets_the_same_mail_twice_in_a_week(given: Any) -> None:
    life = given.life(politeness=Politeness(per_day=5, per_week=9, same_mail=Length(7, "days")))
    first = given.book(given.email("thanks"), given.email("tips"), given.email("keys", to=("admin",)))
    again = late(given, *(Step(f"n{day}", Email(("champion",), "thanks"), When(day=day)) for day in (2, 7)))
    other = late(given, Step("bob", Email(("admin", "champion"), "keys"), When(day=2)))
    story = given(first, again, life=life).when(at="2026-03-03 09:00")
    story.then("send_email keys bob", "send_email thanks ada", "send_email tips ada")
    why = "cap: the same mail at most every 7 days, after play/thanks"
    story.when(at="2026-03-04 09:00").then().decided("skipped email n2", f"stale: {why}")
    story.when(at="2026-03-09 09:00").then().decided("held email n7", f"until 2026-03-10 09:00: {why}")
    story.when(at="2026-03-10 09:00").then("send_email n7 ada")
    told = given(first, other, life=life).when(at="2026-03-03 12:00").when(at="2026-03-04 09:00")
    told.decided("skipped email bob", "after play/keys")


ELSEWHERE = {"csm": Teammate("mara", "Europe/Berlin")}


@pytest.mark.parametrize(
    ("zone", "goes"),
    [
        ("Asia/Tokyo", "2026-03-03 09:00"),  # 17:00 there
        ("Australia/Sydney", "2026-03-03 09:00"),  # 19:00 there
        ("America/New_York", "2026-03-03 14:00"),  # 03:00 there, and 08:00 at 14:00
        ("America/Los_Angeles", "2026-03-03 17:00"),  # midnight there
    ],
)
def test_a_mail_by_a_colleagues_clock_keeps_out_of_the_customers_night(given: Any, zone: str, goes: str) -> None:
    book = given.book(given.email("welcome", When(day=1)), zone="csm")
    story = given(book, zone=zone, country="", team=ELSEWHERE, at="2026-03-02 12:00")
    story.when(at=goes).then("send_email welcome ada")


def test_where_day_and_window_never_meet_the_mail_is_dropped(given: Any) -> None:
    book = given.book(given.email("welcome", When(day=1, at="08:00")), zone="csm", window=("08:00", "08:30"))
    story = given(book, zone="Pacific/Auckland", country="", team=ELSEWHERE, at="2026-03-02 06:00")
    story.when(at="2026-03-03 08:00").decided("skipped email welcome", "stale: Tue 08:00 is outside the send window")


def test_the_day_of_a_cap_is_the_customers(given: Any) -> None:
    """Tokyo's day ends at 16:00 in Berlin."""
    book = given.book(given.email("a", When(day=0, at="11:30")), given.email("b", When(day=1)), zone="csm")
    story = given(book, zone="Asia/Tokyo", country="", team=ELSEWHERE, at="2026-03-02 09:00")
    story.when(at="2026-03-02 11:30").then("send_email a ada").when(at="2026-03-03 09:00").then("send_email b ada")
