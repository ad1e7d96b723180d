"""A state once written keeps loading: one frozen sample per version, never edited; a new version adds one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lifecycle import model
from lifecycle.engine import next_due
from lifecycle.jsonform import FormError, canonical
from lifecycle.model import VERSION, State, state_from_json, state_to_json, upgrade
from lifecycle.trace import from_row, to_row

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given

SAMPLES = Path(__file__).parent / "samples"


def sample(version: int) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((SAMPLES / f"state-v{version}.json").read_text())
    return data


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_a_state_of_every_version_loads(version: int) -> None:
    state = state_from_json(sample(version))
    assert state.customer == "cus_sample"
    assert state_from_json(json.loads(canonical(state_to_json(state)))) == state


def test_the_newest_sample_uses_every_field_and_is_written_as_it_was() -> None:
    data = sample(VERSION)
    assert set(data) == set(State.__dataclass_fields__)
    assert state_to_json(state_from_json(data)) == data


def test_an_older_state_is_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "VERSION", 3)
    chain = {1: lambda raw: {**raw, "two": raw["one"]}, 2: lambda raw: {**raw, "three": raw["two"]}}
    monkeypatch.setattr(model, "UPGRADES", chain)
    assert upgrade({"one": 1}) == {"one": 1, "two": 1, "three": 1, "v": 3}
    assert upgrade({"v": 2, "two": 5}) == {"v": 3, "two": 5, "three": 5}
    with pytest.raises(FormError):
        upgrade({"v": 4})


def test_decisions_travel_as_rows(given: Given) -> None:
    story = given(given.book(given.email("welcome"))).when(at="2026-03-03 09:00")
    assert next_due(story.library, story.state) is not None
    for decision in story.decisions:
        assert from_row(json.loads(canonical(to_row(decision)))) == decision
    for row in ([], to_row(story.decisions[0])[:-1], [*to_row(story.decisions[0]), 1]):
        with pytest.raises(FormError):
            from_row(row)
