"""`stageplay health`: the score with its parts, what is not known, the trend, and how others like it stand."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time

from authoring.scored import Line, Scored
from cli.health import headline, lines, points
from cli.main import run
from lifecycle.messages import FactsReported
from lifecycle.model import Snapshot, Value
from store import inbox
from store.database import Database
from store.scores import Benchmark

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
SignUp = Callable[..., str]
FACTS: dict[str, Value] = {
    "usage.dau_wau": 0.64,
    "usage.features": 4,
    "usage.data_growth": 0.2,
    "engagement.attendance": 0.9,
    "training.completion": 0.75,
    "nps.score": 9,
}


def report(db: Database, customer: str, facts: dict[str, Value]) -> None:
    with freeze_time(AT + timedelta(days=4), real_asyncio=True), db.begin() as c:
        inbox.accept(c, customer, "test", "2", FactsReported(facts), body_digest="2")


def test_a_score_is_shown_with_its_parts_and_what_is_not_known(
    applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]
) -> None:
    report(applied, sign_up(), FACTS)
    with freeze_time(AT + timedelta(days=5), real_asyncio=True):
        assert run(["health", "acme-1"]) == 0
    said = capsys.readouterr().out
    assert "Acme  84, green" in said, "usage 25 of 35 known: 71.43% of 40; engagement all of 30: 58.57 of 70"
    assert "model: Points, 60% of it known" in said
    assert "Healthy: Growth; ask for a reference or a case study" in said
    assert "15 of 15  Daily by weekly active users above 60%: usage.dau_wau = 0.64 > 0.6" in said
    assert "0 of 10  Five or more features in use: usage.features = 4, not >= 5" in said
    assert "? of 5  Executive sponsor engaged: not known: The executive sponsor is engaged (sponsor.engaged)" in said
    assert "history: 84 on 06 Mar" in said


def test_its_json_says_the_same(applied: Database, sign_up: SignUp, capsys: pytest.CaptureFixture[str]) -> None:
    customer = sign_up()
    report(applied, customer, FACTS)
    with freeze_time(AT + timedelta(days=5), real_asyncio=True):
        assert run(["health", customer, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["score"], data["own"], data["band"], data["known"]) == (84, True, "green", 60)
    assert (data["id"], data["benchmark"], data["fell_until"]) == ("acme-1", None, None)
    usage = data["parts"][0]
    assert usage["weight"] == 40
    assert usage["points"] == pytest.approx(28.571, abs=0.001)
    assert usage["parts"][3] == {
        "title": "Sessions above 5 minutes",
        "weight": 5,
        "points": None,
        "known": 0,
        "why": "",
        "missing": ["Usual length of a session (usage.session_minutes)"],
    }
    assert data["history"][0]["score"] == 84


def test_a_customer_of_whom_little_is_known_has_no_score(sign_up: SignUp, capsys: pytest.CaptureFixture[str]) -> None:
    sign_up()
    with freeze_time(AT + timedelta(days=5), real_asyncio=True):
        assert run(["health", "acme-1"]) == 0
    said = capsys.readouterr().out
    assert "Acme  has no health score" in said
    assert "too little is known for a score of our own: at least 50% must be" in said


@pytest.mark.usefixtures("applied")
def test_a_customer_that_nobody_has_is_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["health", "odd"]) == 2
    assert 'no customer has the id "odd"' in capsys.readouterr().err


FALLEN = Scored(
    82,
    own=False,
    band="green",
    history=(Snapshot(AT, 97), Snapshot(AT + timedelta(days=20), 82)),
    change=-15,
    fell_until=AT + timedelta(days=50),
)


def test_a_reported_score_says_so_and_a_fall_until_when_it_counts() -> None:
    others = Benchmark("segment smb", 5, 60, 70.5, 80)
    assert list(lines(FALLEN, others, "Europe/Berlin")) == [
        "reported from outside",
        "trend: -15 in 30 days",
        "fell fast: a risk until 21 Apr 2026",
        "history: 97 on 02 Mar, 82 on 22 Mar",
        "segment smb: 70.5 in the middle, half of 5 between 60 and 80",
    ]
    assert headline(Scored(82, own=False, band="")) == "82, no band"
    assert points(Line("x", 20 / 3, 10 / 3, 100)) == "3.33 of 6.67"
