"""What is derived from what came day by day, held against a plain list of everything that ever came."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle import windows
from lifecycle.messages import Churned, Event, FactsReported, Happened
from lifecycle.model import Value
from lifecycle.playbook import Derived, EventSpec, FactSpec, Lifecycle
from lifecycle.windows import Days

LOGIN, ACTIONS = "user.logged_in", "usage.actions"
START = date(2026, 3, 2)
How = Literal["count", "sum", "change", "mean_change", "trend", "days_since"]


def _life(source: str, how: How, days: int = 30, against: int = 0, least: float = 0) -> Lifecycle:
    facts = {
        "found": FactSpec("text" if how == "trend" else "number", derived=Derived(source, how, days, against, least)),
        ACTIONS: FactSpec("number", by_day=True),
        "plan": FactSpec("text"),
    }
    return Lifecycle("l", "L", (), "l.yaml", facts=facts, events={LOGIN: EventSpec(), "api.connected": EventSpec()})


def _days(amounts: dict[int, float]) -> Days:
    return {START + timedelta(days=day): amount for day, amount in amounts.items()}


def _found(life: Lifecycle, amounts: dict[int, float], today: int, told: Value = None) -> dict[str, Value]:
    source = next(iter(windows.sources(life)))
    known = {} if told is None else {"found": told}
    return windows.news({source: _days(amounts)}, known, START + timedelta(days=today), life)


LOGINS_CHANGE = _life(LOGIN, "change", 30, 30, 20)
FEATURES_CHANGE = _life(ACTIONS, "mean_change", 30, 30, 4)
TREND = _life(LOGIN, "trend", 30, 30)
MONTH = dict.fromkeys(range(30), 1.0)


@pytest.mark.parametrize(
    ("life", "amounts", "today", "found"),
    [
        pytest.param(_life(LOGIN, "count", 7), {0: 2, 6: 3}, 6, 5, id="today-counts"),
        pytest.param(_life(LOGIN, "count", 7), {0: 2, 7: 3}, 7, 3, id="the-eighth-day-back-does-not"),
        pytest.param(_life(ACTIONS, "sum", 7), {0: 0.5, 1: 0.25}, 1, 0.75, id="numbers-are-summed"),
        pytest.param(LOGINS_CHANGE, MONTH | dict.fromkeys(range(30, 50), 1.0), 60, -0.3333, id="a-third-less"),
        pytest.param(LOGINS_CHANGE, MONTH, 60, -1, id="nothing-any-more"),
        pytest.param(LOGINS_CHANGE, MONTH | {60: 40}, 60, -1, id="the-day-that-is-on-does-not-count"),
        pytest.param(TREND, {0: 3, 40: 1}, 60, "declining", id="fewer"),
        pytest.param(TREND, {0: 3, 40: 3}, 60, "steady", id="as-many"),
        pytest.param(TREND, {0: 3, 40: 4}, 60, "rising", id="more"),
        pytest.param(TREND, {0: 1}, 100, "steady", id="nothing-and-nothing"),
        pytest.param(FEATURES_CHANGE, {0: 10, 7: 10, 14: 10, 21: 10, 40: 6}, 60, -0.4, id="means-of-reported-days"),
        pytest.param(_life(LOGIN, "days_since"), {0: 1, 3: 2}, 10, 7, id="days-since"),
    ],
)
def test_a_window_comes_to(life: Lifecycle, amounts: dict[int, float], today: int, found: Value) -> None:
    assert _found(life, amounts, today) == {"found": found}


@pytest.mark.parametrize(
    ("life", "amounts", "today"),
    [
        pytest.param(LOGINS_CHANGE, {1: 30}, 60, id="not-watched-from-the-first-day-on"),
        pytest.param(_life(ACTIONS, "days_since"), {0: 0}, 10, id="never-above-zero"),
    ],
)
def test_what_cannot_be_judged_yet_is_left_as_it_was_told(
    life: Lifecycle, amounts: dict[int, float], today: int
) -> None:
    assert _found(life, amounts, today, told=0.5) == {}


@pytest.mark.parametrize(
    ("life", "amounts"),
    [
        pytest.param(LOGINS_CHANGE, {0: 19, 40: 2}, id="too-small-a-sample"),
        pytest.param(_life(LOGIN, "change", 30, 30), {0: 0, 40: 2}, id="nothing-before"),
        pytest.param(FEATURES_CHANGE, {0: 10, 1: 10, 2: 10, 40: 2}, id="too-few-days"),
        pytest.param(FEATURES_CHANGE, {0: 10, 1: 10, 2: 10, 3: 10}, id="no-report-since"),
        pytest.param(FEATURES_CHANGE, {0: 0, 1: 0, 2: 0, 3: 0, 40: 3}, id="zero-before"),
        pytest.param(_life(LOGIN, "trend", 30, 30, 5), {0: 4, 40: 2}, id="too-few-for-a-trend"),
    ],
)
def test_what_there_is_too_little_for_is_known_no_more(life: Lifecycle, amounts: dict[int, float]) -> None:
    assert _found(life, amounts, 60) == {}
    assert _found(life, amounts, 60, told=0.5) == {"found": None}


def test_a_value_stays_within_the_range_of_its_fact() -> None:
    spec = FactSpec("number", low=-0.5, high=0.5, derived=Derived(LOGIN, "change", 30, 30, 1))
    life = Lifecycle("l", "L", (), "l.yaml", facts={"found": spec}, events={LOGIN: EventSpec()})
    assert _found(life, {0: 1, 40: 9}, 60) == {"found": 0.5}
    assert _found(life, {0: 9}, 60) == {"found": -0.5}


def test_an_event_counts_once_and_a_number_as_its_highest_report() -> None:
    life = _life(LOGIN, "count", 7)
    assert windows.heard(Happened(LOGIN, {"plan": "pro"}), life) == {LOGIN: 1}
    assert windows.heard(Happened("api.connected"), life) == {}
    assert windows.heard(Churned("gone"), life) == {}
    use = _life(ACTIONS, "sum", 7)
    assert windows.heard(FactsReported({ACTIONS: 3, "plan": "pro"}), use) == {ACTIONS: 3}
    days: Days = {}
    for amount in (3, 9, 5):
        days = windows.added(days, ACTIONS, amount, START, START, use)
    assert days == {START: 9}


def test_what_happens_tomorrow_counts_for_today() -> None:
    life = _life(LOGIN, "count", 7)
    assert windows.added({}, LOGIN, 1, START + timedelta(days=3), START, life) == {START: 1}


def test_an_event_carries_what_it_moves_and_nothing_that_is_only_kept() -> None:
    life = _life(LOGIN, "count", 7)
    event = Happened(LOGIN, {ACTIONS: 3, "plan": "pro"})
    assert windows.told(event, {"found": 2}, life) == Happened(LOGIN, {"plan": "pro", "found": 2})
    same: Event = Happened(LOGIN, {"plan": "pro"})
    assert windows.told(same, {}, life) is same
    assert windows.told(Churned("gone"), {"found": 2}, life) == Churned("gone")


@pytest.mark.parametrize(
    ("zone", "at", "look"),
    [
        pytest.param("Europe/Berlin", "2026-03-28T12:00", "2026-03-29T04:00", id="the-clock-goes-forward"),
        pytest.param("Europe/Berlin", "2026-10-24T12:00", "2026-10-25T05:00", id="the-clock-goes-back"),
        pytest.param("UTC", "2026-03-02T05:59", "2026-03-02T06:00", id="this-morning"),
        pytest.param("UTC", "2026-03-02T06:00", "2026-03-03T06:00", id="tomorrow"),
    ],
)
def test_a_morning_is_at_six_of_the_customers(zone: str, at: str, look: str) -> None:
    found = windows.next_look(datetime.fromisoformat(at).replace(tzinfo=UTC), zone)
    assert found == datetime.fromisoformat(look).replace(tzinfo=UTC)


def test_two_customers_that_are_one_have_the_days_of_both() -> None:
    assert windows.joined(_days({0: 1, 2: 3}), _days({2: 4, 5: 1})) == _days({0: 1, 2: 7, 5: 1})


# --- laws -------------------------------------------------------------------------------------------------------------

_CAME = st.lists(st.tuples(st.integers(0, 130), st.integers(0, 3)), max_size=60)


@given(came=_CAME, order=st.randoms(use_true_random=False), today=st.integers(0, 140))
def test_the_order_of_events_makes_no_difference(came: list[tuple[int, int]], order: object, today: int) -> None:
    life, later = LOGINS_CHANGE, list(came)
    order.shuffle(later)  # type: ignore[attr-defined]  # a Random of hypothesis
    assert _kept(came, life, today) == _kept(later, life, today)


def _kept(came: list[tuple[int, int]], life: Lifecycle, today: int) -> Days:
    now = START + timedelta(days=today)
    days: Days = {}
    for day, late in came:
        if day <= today:  # it comes `late` days after it happened
            seen = min(now, START + timedelta(days=day + late))
            days = windows.added(days, LOGIN, 1, START + timedelta(days=day), seen, life)
    return windows.pruned(days, LOGIN, now, life) if days else days


@given(came=_CAME, today=st.integers(0, 140), how=st.sampled_from(("count", "change", "trend", "days_since")))
def test_what_is_kept_says_what_everything_that_ever_came_says(
    came: list[tuple[int, int]], today: int, how: How
) -> None:
    life = _life(LOGIN, how, 7, 14 if how in windows.COMPARED else 0, 1 if how == "change" else 0)
    source = _kept(came, life, today)
    all_days = [day for day, _ in came if day <= today]
    if not all_days:
        assert source == {}
        return
    now = START + timedelta(days=today)
    assert windows.news({LOGIN: source}, {}, now, life) == _plainly(all_days, today, how)
    assert len(source) <= 7 + 14 + 3


def _plainly(came: list[int], today: int, how: How) -> dict[str, Value]:
    """The same, worked out from the list."""
    if how == "count":
        return {"found": sum(today - 7 < day <= today for day in came)}
    if how == "days_since":
        return {"found": today - max(came)}
    now = sum(today - 7 <= day < today for day in came) / 7
    before = sum(today - 21 <= day < today - 7 for day in came) / 14
    if min(came) > today - 21:
        return {}
    if how == "trend":
        return {"found": "rising" if now > before else "declining" if now < before else "steady"}
    return {"found": round(now / before - 1, 4)} if before else {}


@given(came=st.lists(st.integers(0, 60), min_size=1, max_size=40))
def test_time_alone_changes_nothing_any_more_once_it_is_at_rest(came: list[int]) -> None:
    life = _life(LOGIN, "change", 7, 14, 1)
    days = _kept([(day, 0) for day in came], life, 60)
    rest = next(day for day in range(60, 120) if not windows.restless({LOGIN: days}, START + timedelta(days=day), life))
    told = windows.news({LOGIN: days}, {}, START + timedelta(days=rest), life)
    for day in range(rest, rest + 60):
        assert windows.news({LOGIN: days}, told, START + timedelta(days=day), life) == {}


def test_days_since_are_counted_for_a_year() -> None:
    life = _life(LOGIN, "days_since", 0)
    assert windows.restless({LOGIN: _days({0: 1})}, START + timedelta(days=windows.WATCHED), life)
    assert not windows.restless({LOGIN: _days({0: 1})}, START + timedelta(days=windows.WATCHED + 1), life)
