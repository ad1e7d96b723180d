"""What people are told of a customer's health: with a model, with a score from outside, with nothing at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from authoring.compile import Compiled, compile_folder
from authoring.scored import Scored, scored, to_json
from authoring.simulate import Library
from lifecycle.model import Fact, Profile, Snapshot, State, Value
from lifecycle.playbook import Lifecycle, Manifest, Release, digest_of

ROOT = Path(__file__).parent.parent.parent
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def shipped() -> Compiled:
    return compile_folder(ROOT / "playbooks", ROOT / "templates")


def told(compiled: Compiled, model: str, known: dict[str, Value], *, history: tuple[Snapshot, ...] = ()) -> Scored:
    """Of a customer with these facts, by one of the shipped models; by none where it is empty."""
    life = next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))
    life = replace(life, health=compiled.models.get(model))
    manifest = Manifest(digest_of(life))
    releases: dict[str, Release] = {digest_of(life): life, digest_of(manifest): manifest}
    facts = {name: Fact(value, AT) for name, value in known.items()}
    profile = Profile("Europe/Berlin", date(2026, 3, 2), arr=0)
    state = State("c1", AT, digest_of(manifest), profile, facts=facts, history=history, band="green")
    return scored(Library(releases), state)


def test_without_a_model_the_reported_score_is_all_there_is(shipped: Compiled) -> None:
    history = (Snapshot(AT - timedelta(days=40), 95, 97), Snapshot(AT, 82))
    found = told(shipped, "", {"health.score": 82}, history=history)
    assert found == Scored(82, False, "green", history=history, change=-13, fell_until=AT + timedelta(days=30))
    assert told(shipped, "", {"health.score": "high"}).score is None


def test_a_score_of_our_own_has_its_parts_with_reasons(shipped: Compiled) -> None:
    known: dict[str, Value] = {"usage.login_frequency": "weekly", "usage.feature_adoption": 0.9}
    known |= {"support.tickets_30d": 3, "nps.score": 7, "health.score": 70}
    found = told(shipped, "five-signal", known)
    assert (found.model, found.own, found.known, found.least_known) == ("Five signals", True, 75, 50)
    assert (found.range, found.action) == ("Monitor", "Monitor")
    sentiment, engagement = found.parts[3:]
    assert (sentiment.points, sentiment.known) == (10, 50)
    assert [(line.why, line.missing) for line in sentiment.parts] == [
        ("nps.score = 7, not > 8", ()),
        ("", ("Latest answer to how satisfied they are (csat.score)",)),
    ]
    assert (engagement.points, engagement.parts[0].missing) == (None, ("Engagement as a whole (engagement.level)",))


def test_what_is_missing_is_called_by_its_title_where_it_has_one(shipped: Compiled) -> None:
    points = told(shipped, "points", {})
    roi = points.parts[2].parts[1]
    assert roi.missing == ("Return on investment documented (milestones.roi_documented)",)
    commercial = told(shipped, "four-component", {}).parts[3].parts
    assert commercial[3].missing == ("contract.id", "contract.phase")


def test_its_json_has_instants_with_offsets(shipped: Compiled) -> None:
    history = (Snapshot(AT, 97), Snapshot(AT + timedelta(days=1), 80))
    data = to_json(replace(told(shipped, "points", {}, history=history), fell_until=AT), "Europe/Berlin")
    assert data["history"][0] == {"at": "2026-03-02T10:00:00+01:00", "score": 97, "high": 97}
    assert (data["fell_until"], data["score"]) == ("2026-03-02T10:00:00+01:00", None)
    assert data["parts"][0]["parts"][0]["missing"] == ["Daily by weekly active users (usage.dau_wau)"]
