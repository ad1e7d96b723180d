"""The one JSON form: what is written, what is refused."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any, Literal

import pytest

from lifecycle.actions import Email, Expr, Slack, When
from lifecycle.commands import Command
from lifecycle.jsonform import FormError, canonical, decode, decode_union, digest, encode, instant_text
from lifecycle.messages import DueReached, Event, FactsReported, HoldPlaced
from lifecycle.model import LATEST, Clock, Fact, Profile, Progress, State, state_from_json, state_to_json
from lifecycle.playbook import Playbook, Release, Step, Trigger

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Everything:
    """One field of each shape that the form knows."""

    at: datetime
    on: date
    lasts: timedelta
    share: float
    many: tuple[int, ...] = ()
    named: dict[str, bool] = field(default_factory=dict)
    choice: Literal["a", "b"] = "a"
    maybe: date | None = None
    action: Email | Slack | None = None
    plain: str | int | float | bool | None = None
    tree: Any = None


@dataclass(frozen=True)
class Known:
    """Facts as a state has them."""

    facts: dict[str, Fact]


FULL = Everything(
    NOON,
    date(2028, 2, 29),
    timedelta(minutes=90),
    0.5,
    (1, 2),
    {"yes": True},
    "b",
    date(2026, 1, 1),
    Slack(("csm",), "tell"),
    1.5,
    ("and", ("get", "a"), ("const", "b")),
)


def test_every_shape_survives_the_text() -> None:
    assert decode(Everything, json.loads(canonical(encode(FULL)))) == FULL


def test_defaults_are_left_out_and_come_back() -> None:
    bare = Everything(NOON, date(2026, 3, 2), timedelta(0), 1.0)
    data = encode(bare)
    assert data == {"at": "2026-03-02T12:00:00Z", "on": "2026-03-02", "lasts": 0.0, "share": 1.0}
    assert decode(Everything, data) == bare


def test_a_member_of_a_union_carries_its_kind() -> None:
    assert encode(HoldPlaced("mara", "x")) == {"by": "mara", "reason": "x", "kind": "hold_placed"}
    assert decode_union(Event, encode(HoldPlaced("mara", "x"))) == HoldPlaced("mara", "x")
    assert decode_union(Event, {"kind": "due_reached"}) == DueReached()


def test_members_of_the_same_shape_do_not_become_each_other() -> None:
    book = Playbook("p", "P", "csm", (Trigger(stage="new"),), (Step("s", Slack(("csm",), "t"), When()),), "p.yaml")
    assert decode_union(Release, json.loads(canonical(encode(book)))) == book


def test_rows_that_only_python_takes_for_the_same_stay_apart() -> None:
    """One report that says `access.given: true` and `usage.share: 1` once made a share of `true`."""
    told = {
        name: Fact(value, NOON) for name, value in {"a": True, "b": 1, "c": 1.0, "d": False, "e": 0, "f": 1}.items()
    }
    back = decode(Known, json.loads(canonical(encode(Known(told)))))
    assert {name: repr(fact.value) for name, fact in back.facts.items()} == {
        name: repr(fact.value) for name, fact in told.items()
    }
    assert [keys for _, *keys in encode(Known(told))["facts"]] == [["a"], ["b", "f"], ["c"], ["d"], ["e"]]


def test_an_instant_is_written_in_utc() -> None:
    assert instant_text(NOON.astimezone(timezone(timedelta(hours=5)))) == "2026-03-02T12:00:00Z"
    assert instant_text(NOON.replace(microsecond=5)) == "2026-03-02T12:00:00.000005Z"


def test_an_instant_with_an_offset_is_read_as_utc() -> None:
    assert decode(Everything, {**encode(FULL), "at": "2026-03-02T13:00:00+01:00"}).at == NOON


def test_a_small_value_is_a_row_without_the_defaults_at_its_end() -> None:
    half = NOON.replace(microsecond=500_000)
    assert encode(Progress("fired", NOON)) == ["fired", 1772452800]
    assert encode(Progress("held", NOON, count=1)) == ["held", 1772452800, None, [], [], 1]
    assert encode(Fact(True, half)) == [True, "2026-03-02T12:00:00.500000Z"]
    for progress in (Progress("fired", NOON), Progress("held", half, NOON, ("a",), ("b",), 2, edited=True)):
        assert decode(Progress, json.loads(canonical(encode(progress)))) == progress


@pytest.mark.parametrize("row", [[], [1], [1, "noon"], [1, None], [1, 2.5], [1, 2, 3], {"value": 1, "at": 2}, "row"])
def test_a_row_that_does_not_fit_is_refused(row: object) -> None:
    with pytest.raises(FormError):
        decode(Fact, row)


def test_a_tree_is_tuples_all_the_way_down_once_read() -> None:
    expr = Expr("a in [1, 2]", ("in", ("get", "a"), ("list", ("const", 1), ("const", 2))))
    assert decode(Expr, json.loads(canonical(encode(expr)))) == expr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param({"surprise": 1}, "unknown field surprise", id="an-unknown-field"),
        pytest.param({"at": "2026-03-02T12:00:00"}, "has no zone", id="a-naive-instant"),
        pytest.param({"at": "noon"}, "Invalid isoformat", id="no-instant"),
        pytest.param({"at": 5}, "Everything", id="a-number-for-an-instant"),
        pytest.param({"on": "2026-02-30"}, "day", id="no-such-day"),
        pytest.param({"lasts": "long"}, "Everything", id="a-text-for-a-length"),
        pytest.param({"share": "half"}, "expected float", id="a-text-for-a-number"),
        pytest.param({"share": True}, "expected float", id="a-boolean-for-a-number"),
        pytest.param({"share": float("nan")}, "not a number that JSON can hold", id="not-a-number"),
        pytest.param({"plain": float("inf")}, "not a number that JSON can hold", id="infinity"),
        pytest.param({"plain": [1]}, "expected a plain value", id="a-list-for-a-value"),
        pytest.param({"many": "12"}, "expected a list", id="a-text-for-a-list"),
        pytest.param({"many": [1.5]}, "expected int", id="a-fraction-for-an-int"),
        pytest.param({"named": {"yes": 1}}, "expected bool", id="an-int-for-a-boolean"),
        pytest.param({"named": [1]}, "Everything", id="a-list-for-an-object"),
        pytest.param({"choice": "c"}, "'c' is none of 'a', 'b'", id="none-of-the-choices"),
        pytest.param({"action": {"kind": "fax"}}, "unknown kind", id="an-unknown-kind"),
        pytest.param({"action": {"kind": ["email"]}}, "Everything", id="a-kind-that-is-a-list"),
        pytest.param({"action": {"kind": "slack"}}, "missing", id="a-member-without-its-fields"),
        pytest.param({"action": "slack"}, "unknown kind", id="a-member-that-is-a-text"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_reason(change: dict[str, Any], says: str) -> None:
    with pytest.raises(FormError, match=says):
        decode(Everything, {**encode(FULL), **change})


@pytest.mark.parametrize("data", [None, [], "x", {"kind": "nothing"}, {"kind": "signed_up"}, {"kind": {}}])
def test_a_union_refuses_what_is_no_member(data: object) -> None:
    with pytest.raises(FormError):
        decode_union(Command, data)
    with pytest.raises(FormError):
        decode_union(Event, data)


def test_a_value_that_is_no_object_is_refused() -> None:
    with pytest.raises(FormError, match="expected an object"):
        decode(Profile, [1])


def test_an_optional_member_may_be_nothing() -> None:
    assert decode(Everything, {**encode(FULL), "action": None}).action is None


def test_a_type_without_a_form_is_our_own_mistake() -> None:
    @dataclass(frozen=True)
    class Odd:
        many: list[int]

    with pytest.raises(TypeError, match="no JSON form"):
        encode(Odd([1]))


def test_the_canonical_text_has_one_order_and_so_one_digest() -> None:
    assert canonical({"b": 1, "a": "ü"}) == '{"a":"ü","b":1}'
    assert digest({"b": 1, "a": 2}) == digest({"a": 2, "b": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert len(digest({})) == 16


def test_an_event_with_an_infinite_fact_is_refused_before_it_reaches_the_state() -> None:
    with pytest.raises(FormError):
        decode_union(Event, {"kind": "facts_reported", "facts": {"health.score": float("inf")}})
    assert decode_union(Event, {"kind": "facts_reported", "facts": {"a": None}}) == FactsReported({"a": None})


def test_a_state_always_writes_its_version_and_refuses_a_newer_one() -> None:
    state = State("c1", NOON, "cat", Profile("UTC", NOON.date()))
    data = state_to_json(state)
    assert data["v"] == 1
    assert state_from_json(data) == state
    with pytest.raises(FormError, match="version 2 is newer than this build's 1"):
        state_from_json({**data, "v": 2})
    with pytest.raises(FormError, match="unknown field surprise"):
        state_from_json({**data, "surprise": 1})


def test_a_clock_maps_real_time_to_the_customers_and_lengths_back() -> None:
    plain = Clock(NOON, NOON)
    fast = Clock(NOON, datetime(2026, 1, 1, tzinfo=UTC), 86_400 / 4)
    assert plain.virtual(NOON + timedelta(hours=1)) == NOON + timedelta(hours=1)
    assert not plain.rehearsal
    assert fast.virtual(NOON + timedelta(seconds=4)) == datetime(2026, 1, 2, tzinfo=UTC)
    assert fast.real_length(timedelta(days=1)) == timedelta(seconds=4)
    assert fast.rehearsal


def test_a_rehearsal_that_nobody_stopped_stands_still_at_the_end_of_time() -> None:
    fast = Clock(NOON, datetime(2026, 1, 1, tzinfo=UTC), 86_400)
    for real in (NOON + timedelta(days=60), datetime.max.replace(tzinfo=UTC)):
        assert fast.virtual(real) == LATEST
    assert fast.virtual(NOON + timedelta(days=20)) < LATEST
