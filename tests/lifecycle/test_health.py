"""What a health model makes of facts, and what a score's history says of a fall. The shipped models: `test_models`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from lifecycle import health
from lifecycle.actions import Expr
from lifecycle.conditions import Lookup
from lifecycle.health import Component, HealthModel, Metric, Range
from lifecycle.jsonform import decode, encode
from lifecycle.model import Snapshot, Value

DAY_0 = datetime(2026, 3, 2, 9, tzinfo=UTC)


def compare(name: str, op: str, value: object) -> Expr:
    return Expr(f"{name} {op} {value}", (op, ("get", name), ("const", value)))


LOGINS = Metric("logins", "Logins", 3, compare("logins", ">=", 10), compare("logins", ">=", 3))
ROI = Metric("roi", "Return on investment", 1, Expr("roi", ("get", "roi")))
NPS = Metric("nps", "NPS", 1, value=Expr("nps * 10", ("*", ("get", "nps"), ("const", 10))))
MODEL = HealthModel(
    "small",
    "Small model",
    "playbooks/health/small.yaml",
    (Component("use", "Use", 60, (LOGINS, ROI)), Component("mood", "Mood", 40, (NPS,))),
    {"green": 80, "yellow": 50, "red": 0},
    (Range(80, "Healthy", "ask for a reference"), Range(50, "Neutral", "watch")),
)


def known(**facts: Value) -> Lookup:
    return facts.get


def scored(model: HealthModel = MODEL, /, **facts: Value) -> health.Score:
    return health.score(model, known(**facts))


def test_a_score_is_the_mean_of_its_components_by_weight() -> None:
    found = scored(logins=10, roi=False, nps=6)
    assert [(part.name, part.weight, part.score, part.known) for part in found.parts] == [
        ("use", 60, 75, 100),
        ("mood", 40, 60, 100),
    ]
    assert [part.points for part in found.parts] == [45, 24]
    assert [part.weight for part in found.parts[0].parts] == [45, 15]
    assert (found.value, found.known) == (69, 100)


@pytest.mark.parametrize(("logins", "rating"), [(10, 100), (9, 50), (3, 50), (2, 0), (None, None), ("many", None)])
def test_a_metric_is_good_middle_bad_or_not_known(logins: Value, rating: float | None) -> None:
    assert health.rated(LOGINS, known(logins=logins)) == rating


@pytest.mark.parametrize(("nps", "rating"), [(0, 0), (7, 70), (10, 100), (11, 100), (-1, 0), (None, None)])
def test_a_measured_metric_stays_from_0_to_100(nps: Value, rating: float | None) -> None:
    assert health.rated(NPS, known(nps=nps)) == rating


def test_a_metric_without_a_middle_is_all_or_nothing() -> None:
    assert [health.rated(ROI, known(roi=value)) for value in (True, False, None)] == [100, 0, None]
    assert health.rated(Metric("nothing", "Asks nothing"), known()) is None


def test_a_middle_that_hangs_on_something_else_may_not_be_known() -> None:
    metric = Metric("load", "Load", 1, compare("open", "<", 2), compare("late", "<", 2))
    assert health.rated(metric, known(open=5, late=None)) is None
    assert health.rated(metric, known(open=1, late=None)) == 100


def test_what_is_not_known_is_left_out_of_its_component_and_a_component_out_of_the_whole() -> None:
    found = scored(roi=True)
    assert (found.value, found.known) == (100, 15)
    assert [part.score for part in found.parts] == [100, None]
    assert found.parts[1].points is None
    assert scored(roi=True, nps=5).value == 80


def test_a_metric_may_count_for_something_where_it_is_not_known() -> None:
    careful = replace(MODEL, components=(Component("use", "Use", 100, (replace(LOGINS, unknown=0), ROI)),))
    assert scored(careful, roi=True) == health.Score(25, 25, scored(careful, roi=True).parts)
    assert scored(careful).value is None, "nothing at all is known"


def test_there_is_no_score_of_too_little() -> None:
    model = replace(MODEL, least_known=55)
    assert scored(model, roi=True, nps=5).value == 80
    assert scored(model, logins=9).value is None
    assert scored(replace(model, least_known=45), logins=9).value == 50
    assert scored(model, logins=9).known == 45


@pytest.mark.parametrize(("nps", "score"), [(5.04, 50), (5.05, 51), (7.95, 80)])
def test_a_half_is_rounded_up(nps: float, score: int) -> None:
    model = replace(MODEL, components=(Component("mood", "Mood", 100, (NPS,)),))
    assert scored(model, nps=nps).value == score


def test_a_model_without_weights_scores_nothing() -> None:
    assert scored(replace(MODEL, components=())).value is None
    assert scored(replace(MODEL, components=(Component("none", "None", 0, ()),))).value is None


def test_a_model_knows_what_it_reads_and_what_is_missing() -> None:
    assert health.reads(MODEL) == ("logins", "roi", "nps")
    assert health.missing(MODEL, known(logins=4)) == {"use.roi": ("roi",), "mood.nps": ("nps",)}


def test_a_metric_says_what_made_it() -> None:
    assert health.because(LOGINS, known(logins=4)) == "logins = 4, not >= 10"
    assert health.because(NPS, known(nps=4)) == "nps = 4 * 10"
    assert health.because(Metric("nothing", "Asks nothing"), known()) == ""


@pytest.mark.parametrize(("score", "title"), [(100, "Healthy"), (80, "Healthy"), (79, "Neutral"), (49, None)])
def test_a_score_has_its_range(score: int, title: str | None) -> None:
    found = health.range_of(MODEL, score)
    assert (found.title if found else None) == title


VALUES: Mapping[str, st.SearchStrategy[Value]] = {
    "logins": st.one_of(st.none(), st.integers(-5, 10**400), st.text(max_size=2)),
    "roi": st.one_of(st.none(), st.booleans()),
    "nps": st.one_of(st.none(), st.floats(), st.integers(-(10**400), 10**400)),
}


@drawn(st.fixed_dictionaries(dict(VALUES)), st.integers(0, 100), st.one_of(st.none(), st.integers(0, 100)))
def test_a_score_is_from_0_to_100_whatever_is_known(facts: dict[str, Value], least: int, unknown: int | None) -> None:
    use = Component("use", "Use", 60, (replace(LOGINS, unknown=unknown), ROI))
    found = scored(replace(MODEL, components=(use, MODEL.components[1]), least_known=least), **facts)
    assert 0 <= found.known <= 100
    assert found.value is None or 0 <= found.value <= 100


@drawn(st.fixed_dictionaries(dict(VALUES)), st.sampled_from(sorted(VALUES)), st.data())
def test_to_learn_a_fact_never_lowers_what_is_known(facts: dict[str, Value], name: str, data: st.DataObject) -> None:
    before = facts | {name: None}
    assert scored(**before).known <= scored(**before | {name: data.draw(VALUES[name])}).known


def test_a_model_survives_its_json() -> None:
    assert decode(HealthModel, encode(MODEL)) == MODEL


# --- history ----------------------------------------------------------------------------------------------------------


def day(number: float) -> datetime:
    return DAY_0 + timedelta(days=number)


def history(*changes: tuple[float, float], moved: tuple[float, ...] = ()) -> tuple[Snapshot, ...]:
    """What is recorded of scores by day. `moved`: the days on which the band moves with it."""
    found: tuple[Snapshot, ...] = ()
    was = None
    for at, score in changes:
        found = health.recorded(found, day(at), was, score, moved=at in moved)
        was = score
    return found


def test_a_week_has_one_snapshot_with_the_highest_of_it() -> None:
    assert history((0, 80), (1, 85), (3, 95), (6, 90)) == (Snapshot(day(0), 80, 95),)


def test_a_weekly_snapshot_is_written_with_the_first_change_after_it_was_owed() -> None:
    assert history((0, 80), (3, 85), (30, 90)) == (
        Snapshot(day(0), 80, 85),
        Snapshot(day(7), 85),
        Snapshot(day(30), 90),
    )
    assert history((0, 80), (30, 90)) == (Snapshot(day(0), 80), Snapshot(day(30), 90))
    assert history((0, 80), (7, 90)) == (Snapshot(day(0), 80), Snapshot(day(7), 90))


def test_a_change_of_the_band_has_a_snapshot_of_its_own() -> None:
    assert history((0, 80), (1, 75), moved=(1,)) == (Snapshot(day(0), 80), Snapshot(day(1), 75))


def test_the_history_is_bounded() -> None:
    found = history(*((number, 80 - number % 2) for number in range(50)), moved=tuple(range(50)))
    assert len(found) == health.KEPT
    assert found[-1] == Snapshot(day(49), 79)
    assert len(history(*((7 * number, number) for number in range(50)))) == health.KEPT


def test_a_fall_of_15_points_counts_for_30_days_after_it() -> None:
    fallen = history((0, 95), (100, 80))
    assert health.fell_until(fallen, 80, day(100)) == day(130)
    assert health.fell_until(fallen, 80, day(129)) == day(130)
    assert health.fell_until(fallen, 80, day(130)) is None
    assert health.fell_until(fallen, 81, day(100)) is None, "14 points are no fall"


def test_a_slow_fall_is_none() -> None:
    slow = history((0, 95), (20, 90), (40, 85), (60, 80))
    assert health.fell_until(slow, 80, day(60)) is None
    assert health.fell_until(history((0, 95), (20, 87), (40, 80)), 80, day(40)) == day(50)


def test_a_rise_and_fall_within_a_week_is_a_fall() -> None:
    peak = history((0, 81), (2, 97), (4, 82))
    assert health.fell_until(peak, 82, day(4)) == day(37)
    late = history((0, 81), (2, 97), (4, 82), (60, 81))
    assert health.fell_until(late, 81, day(60)) is None, "it is long ago that it was 97"


def test_nothing_has_fallen_that_has_no_history() -> None:
    assert health.fell_until((), 10, day(0)) is None


def test_the_trend_is_the_change_since_30_days_before() -> None:
    found = history((0, 70), (10, 75), (35, 90))
    assert health.change(found, 90, day(36)) == 20
    assert health.change(found, 90, day(40)) == 15
    assert health.change(found, 90, day(20)) == 20, "since the first snapshot"
    assert health.change(found[:1], 70, day(0)) is None
    assert health.change((), 70, day(0)) is None


@drawn(st.lists(st.tuples(st.integers(1, 400), st.integers(0, 100)), max_size=30), st.data())
def test_a_fall_is_found_wherever_there_was_one(hours: list[tuple[int, int]], data: st.DataObject) -> None:
    """Against every change since the beginning; to the week where a score rose and fell within one."""
    at, was = DAY_0, None
    found: tuple[Snapshot, ...] = ()
    all_of_it: list[tuple[datetime, int]] = []
    for length, score in hours:
        at += timedelta(hours=length)
        moved = data.draw(st.booleans())
        found = health.recorded(found, at, was, score, moved=moved)
        all_of_it.append((at, score))
        was = score
        stood = [
            (since, high, until)
            for (since, high), until in zip(all_of_it, [*(start for start, _ in all_of_it[1:]), at], strict=True)
        ]
        falls = [until for _, high, until in stood if high - score >= health.FALL]
        said = health.fell_until(found, score, at)
        if len(found) < health.KEPT and any(until + health.FALL_WITHIN - health.WEEK > at for until in falls):
            assert said is not None
        if not any(until + health.FALL_WITHIN + health.WEEK > at for until in falls):
            assert said is None
