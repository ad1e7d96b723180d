"""The shipped health models, to the figures of the domain page: every threshold from both sides, and whole customers
worked out by hand. Rows C1 to C7.
"""

import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from authoring.compile import Compiled, compile_folder
from authoring.simulate import Library, simulate
from lifecycle import health
from lifecycle.health import HealthModel, Part
from lifecycle.messages import Event, FactsReported, MilestoneTicked, SignedUp
from lifecycle.model import Contact, Profile, Teammate, Value
from lifecycle.playbook import Lifecycle

ROOT = Path(__file__).parent.parent.parent
Row = tuple[str, str, str, list[tuple[Value, float | None]]]
LEVELS: list[tuple[Value, float | None]] = [("high", 100), ("medium", 50), ("low", 0), (None, None)]
LOGINS: list[tuple[Value, float | None]] = [("daily", 100), ("weekly", 100), ("monthly", 50), ("none", 0), (None, None)]
ADOPTION: list[tuple[Value, float | None]] = [(0.81, 100), (0.8, 50), (0.5, 50), (0.49, 0), (None, None)]
TICKETS: list[tuple[Value, float | None]] = [(0, 100), (1, 100), (2, 50), (5, 50), (6, 0), (None, None)]
NPS: list[tuple[Value, float | None]] = [(10, 100), (9, 100), (8, 50), (6, 50), (5, 0), (0, 0), (None, None)]
CSAT: list[tuple[Value, float | None]] = [(5, 100), (4, 50), (3, 50), (2, 0), (1, 0), (None, None)]
TONE: list[tuple[Value, float | None]] = [("positive", 100), ("neutral", 50), ("negative", 0), (None, None)]
YES: list[tuple[Value, float | None]] = [(True, 100), (False, 0), (None, None)]

THRESHOLDS: list[Row] = [
    # C1: each item all or nothing
    ("points", "usage.dau_wau", "usage.dau_wau", [(0.61, 100), (0.6, 0), (None, None)]),
    ("points", "usage.features", "usage.features", [(5, 100), (4, 0), (None, None)]),
    ("points", "usage.data_growth", "usage.data_growth", [(0.1, 100), (0.09, 0), (-0.2, 0), (None, None)]),
    ("points", "usage.sessions", "usage.session_minutes", [(5.1, 100), (5, 0), (None, None)]),
    ("points", "engagement.meetings", "engagement.attendance", [(0.81, 100), (0.8, 0), (None, None)]),
    (
        "points",
        "engagement.tickets",
        "support.ticket_trend",
        [("declining", 100), ("steady", 0), ("rising", 0), (None, None)],
    ),
    ("points", "engagement.training", "training.completion", [(0.71, 100), (0.7, 0), (None, None)]),
    ("points", "engagement.nps", "nps.score", [(10, 100), (9, 100), (8, 0), (None, None)]),
    ("points", "outcomes.goals", "value.goals_achieved", [(0.81, 100), (0.8, 0), (None, None)]),
    ("points", "outcomes.roi", "milestones.roi_documented", YES),
    ("points", "outcomes.expansion", "expansion.identified", YES),
    ("points", "relationship.sponsor", "sponsor.engaged", YES),
    ("points", "relationship.contacts", "engagement.contacts", [(3, 100), (2, 0), (None, None)]),
    # C2: 100, 50, 0; NPS times ten, CSAT doubled to the same scale; payment 0 or 100
    ("formula", "usage.logins", "usage.login_frequency", LOGINS),
    ("formula", "usage.features", "usage.depth", [("core", 100), ("some", 50), ("setup_only", 0), (None, None)]),
    ("formula", "engagement.tickets", "support.load", [("low", 100), ("medium", 50), ("high", 0), (None, None)]),
    ("formula", "satisfaction.nps", "nps.score", [(10, 100), (9, 90), (7, 70), (6, 60), (0, 0), (None, None)]),
    ("formula", "satisfaction.csat", "csat.score", [(5, 100), (4, 80), (3, 60), (1, 20), (None, None)]),
    ("formula", "payment.payment", "billing.status", [("current", 100), ("late", 0), ("failed", 0), (None, None)]),
    # C3: tickets low are good, none may be bad
    ("four-component", "usage.logins", "usage.login_frequency", LOGINS),
    ("four-component", "usage.adoption", "usage.feature_adoption", ADOPTION),
    ("four-component", "usage.seats", "usage.seat_use", ADOPTION),
    ("four-component", "usage.api", "setup.api_connected", YES),
    ("four-component", "usage.breadth", "usage.teams", [(3, 100), (2, 50), (1, 0), (None, None)]),
    (
        "four-component",
        "engagement.tickets",
        "support.tickets_30d",
        [(0, 50), (1, 100), (2, 100), (3, 50), (5, 50), (6, 0), (None, None)],
    ),
    (
        "four-component",
        "engagement.outreach",
        "engagement.outreach",
        [("responsive", 100), ("slow", 50), ("silent", 0), (None, None)],
    ),
    (
        "four-component",
        "engagement.training",
        "training.completion",
        [(0.71, 100), (0.7, 50), (0.4, 50), (0.39, 0), (None, None)],
    ),
    ("four-component", "engagement.community", "engagement.community", YES),
    ("four-component", "engagement.feedback", "engagement.feedback", YES),
    ("four-component", "sentiment.nps", "nps.score", [(9, 100), (8, 50), (7, 50), (6, 0), (None, None)]),
    ("four-component", "sentiment.csat", "csat.score", [(5, 100), (4, 50), (3, 50), (2, 0), (None, None)]),
    ("four-component", "sentiment.tickets", "support.sentiment", TONE),
    ("four-component", "sentiment.sponsor", "sponsor.engaged", YES),
    (
        "four-component",
        "sentiment.escalations",
        "support.escalations_90d",
        [(0, 100), (1, 50), (2, 0), (None, None)],
    ),
    ("four-component", "commercial.value", "customer.arr", [(50000, 100), (49999, 50), (10000, 50), (9999, 0)]),
    (
        "four-component",
        "commercial.payment",
        "billing.status",
        [("current", 100), ("late", 50), ("failed", 0), (None, None)],
    ),
    ("four-component", "commercial.expansion", "expansion.sold", YES),
    ("four-component", "commercial.multi_year", "commercial.multi_year", YES),
    # C4
    (
        "five-signal",
        "usage.logins",
        "usage.login_frequency",
        [("daily", 100), ("weekly", 50), ("monthly", 0), ("none", 0), (None, None)],
    ),
    ("five-signal", "adoption.features", "usage.feature_adoption", ADOPTION),
    ("five-signal", "tickets.tickets", "support.tickets_30d", TICKETS),
    ("five-signal", "sentiment.nps", "nps.score", NPS),
    ("five-signal", "sentiment.csat", "csat.score", CSAT),
    ("five-signal", "engagement.level", "engagement.level", LEVELS),
    # C5
    ("depth", "frequency.logins", "usage.logins_7d", [(5, 100), (4, 50), (1, 50), (0, 0), (None, None)]),
    ("depth", "depth.features", "usage.feature_adoption", ADOPTION),
    ("depth", "support.volume", "support.tickets_30d", TICKETS),
    ("depth", "support.sentiment", "support.sentiment", TONE),
    ("depth", "engagement.calls", "engagement.calls", LEVELS),
    ("depth", "engagement.emails", "engagement.emails", LEVELS),
    ("depth", "engagement.events", "engagement.events", LEVELS),
    ("depth", "sentiment.nps", "nps.score", NPS),
    ("depth", "sentiment.csat", "csat.score", CSAT),
]


@pytest.fixture(scope="module")
def shipped() -> Compiled:
    return compile_folder(ROOT / "playbooks", ROOT / "templates")


def metric(model: HealthModel, path: str) -> health.Metric:
    component, _, name = path.partition(".")
    found = next(item for item in model.components if item.name == component)
    return next(item for item in found.metrics if item.name == name)


@pytest.mark.parametrize(("model", "path", "fact", "ratings"), THRESHOLDS, ids=[f"{r[0]} {r[1]}" for r in THRESHOLDS])
def test_a_threshold_holds_from_both_sides(
    shipped: Compiled, model: str, path: str, fact: str, ratings: list[tuple[Value, float | None]]
) -> None:
    judged = metric(shipped.models[model], path)
    known: list[dict[str, Value]] = [{fact: value} for value, _ in ratings]
    assert [health.rated(judged, facts.get) for facts in known] == [rating for _, rating in ratings]


def test_every_metric_of_every_model_is_in_the_table(shipped: Compiled) -> None:
    listed = {(row[0], row[1]) for row in THRESHOLDS} | {("four-component", "commercial.renewal")}
    assert listed == {
        (name, f"{component.name}.{item.name}")
        for name, model in shipped.models.items()
        for component in model.components
        for item in component.metrics
    }


@pytest.mark.parametrize(
    ("phase", "rating"),
    [(None, 100), ("assessment", 50), ("ebr", 50), ("proposal", 0), ("negotiation", 0), ("close", 0), ("complete", 0)],
)
def test_a_near_renewal_counts_by_its_phase(shipped: Compiled, phase: str | None, rating: float) -> None:
    renewal = metric(shipped.models["four-component"], "commercial.renewal")
    known: dict[str, Value] = {"contract.id": "k1", "contract.phase": phase}
    assert health.rated(renewal, known.get) == rating
    known.clear()
    assert health.rated(renewal, known.get) is None, "without a contract nobody knows"


WEIGHTS = {
    "points": {"usage": (40, [15, 10, 10, 5]), "engagement": (30, [10, 5, 10, 5]), "outcomes": (20, [10, 5, 5])}
    | {"relationship": (10, [5, 5])},
    "formula": {"usage": (40, [20, 20]), "engagement": (30, [30]), "satisfaction": (20, [10, 10])}
    | {"payment": (10, [10])},
    "four-component": {"usage": (40, [8] * 5), "engagement": (25, [5] * 5), "sentiment": (20, [4] * 5)}
    | {"commercial": (15, [3] * 5)},
    "five-signal": {"usage": (30, [30]), "adoption": (20, [20]), "tickets": (15, [15])}
    | {"sentiment": (20, [10, 10]), "engagement": (15, [15])},
    "depth": {"frequency": (25, [25]), "depth": (20, [20]), "support": (15, [7.5, 7.5])}
    | {"engagement": (20, [pytest.approx(20 / 3)] * 3), "sentiment": (20, [10, 10])},
}


@pytest.mark.parametrize("name", WEIGHTS)
def test_a_part_weighs_what_the_page_says(shipped: Compiled, name: str) -> None:
    nothing: dict[str, Value] = {}
    parts: tuple[Part, ...] = health.score(shipped.models[name], nothing.get).parts
    assert {part.name: (part.weight, [item.weight for item in part.parts]) for part in parts} == WEIGHTS[name]


@pytest.mark.parametrize(
    ("name", "bands"),
    [
        ("points", {"green": 80, "yellow": 60, "red": 40, "critical": 0}),
        ("formula", {"green": 80, "yellow": 40, "red": 0}),
        ("four-component", {"green": 75, "yellow": 50, "red": 0}),
        ("five-signal", {"green": 80, "yellow": 40, "red": 0}),
        ("depth", {"green": 80, "yellow": 40, "red": 0}),
    ],
)
def test_a_model_has_its_own_colours(shipped: Compiled, name: str, bands: dict[str, int]) -> None:
    assert shipped.models[name].bands == bands


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("points", ["Healthy", "Needs attention", "At risk", "Critical"]),
        ("formula", ["Healthy", "Neutral", "At risk", "Critical"]),
        ("five-signal", ["Expand", "Monitor", "Intervene", "Save"]),
        ("depth", ["Expand", "Monitor", "Intervene", "Save"]),
    ],
)
def test_what_the_team_does_changes_at_80_60_and_40(shipped: Compiled, name: str, titles: list[str]) -> None:
    model = shipped.models[name]
    for score, title in zip((80, 60, 40, 0), titles, strict=True):
        found = health.range_of(model, score)
        assert found is not None
        assert found.title == title
        assert found.action
        below = health.range_of(model, score - 1)
        assert below is None or below.title != title


# --- whole customers, by hand -----------------------------------------------------------------------------------------

POINTS: dict[str, Value] = {
    "usage.dau_wau": 0.64,  # +15
    "usage.features": 6,  # +10
    "usage.data_growth": 0.04,
    "usage.session_minutes": 7,  # +5
    "engagement.attendance": 0.9,  # +10
    "support.ticket_trend": "rising",
    "training.completion": 0.75,  # +10
    "nps.score": 9,  # +5
    "value.goals_achieved": 0.5,
    "milestones.roi_documented": True,  # +5
    "expansion.identified": True,  # +5
    "sponsor.engaged": False,
    "engagement.contacts": 4,  # +5
}
HAND = [
    ("points", POINTS, {"usage": 30, "engagement": 25, "outcomes": 10, "relationship": 5}, 70),
    (
        "formula",  # 40 * 75 % + 30 * 50 % + 20 * (80 + 60) / 2 % + 10
        {"usage.login_frequency": "weekly", "usage.depth": "some", "support.load": "medium"}
        | {"nps.score": 8, "csat.score": 3, "billing.status": "current"},
        {"usage": 30, "engagement": 15, "satisfaction": 14, "payment": 10},
        69,
    ),
    (
        "four-component",  # 8 + 4 + 4 + 8 + 0; 5 + 2.5 + 2.5 + 0 + 5; 2 + 4 + 2 + 4 + 4; 3 + 1.5 + 0 + 3 + 3
        {"usage.login_frequency": "daily", "usage.feature_adoption": 0.6, "usage.seat_use": 0.7}
        | {"setup.api_connected": True, "usage.teams": 1, "support.tickets_30d": 2, "engagement.outreach": "slow"}
        | {"training.completion": 0.5, "engagement.community": False, "engagement.feedback": True, "nps.score": 8}
        | {"csat.score": 5, "support.sentiment": "neutral", "sponsor.engaged": True, "support.escalations_90d": 0}
        | {"customer.arr": 80000, "billing.status": "late", "expansion.sold": False, "contract.id": "k1"}
        | {"commercial.multi_year": True},
        {"usage": 24, "engagement": 15, "sentiment": 16, "commercial": 10.5},
        66,
    ),
    (
        "five-signal",  # 15 + 20 + 7.5 + 20 * (50 + 100) / 2 % + 0
        {"usage.login_frequency": "weekly", "usage.feature_adoption": 0.9, "support.tickets_30d": 3}
        | {"nps.score": 7, "csat.score": 5, "engagement.level": "low"},
        {"usage": 15, "adoption": 20, "tickets": 7.5, "sentiment": 15, "engagement": 0},
        58,
    ),
    (
        "depth",  # 12.5 + 10 + 15 * (100 + 0) / 2 % + 20 * (100 + 50 + 0) / 3 % + 20 * (100 + 0) / 2 %
        {"usage.logins_7d": 3, "usage.feature_adoption": 0.55, "support.tickets_30d": 1}
        | {"support.sentiment": "negative", "engagement.calls": "high", "engagement.emails": "medium"}
        | {"engagement.events": "low", "nps.score": 10, "csat.score": 2},
        {"frequency": 12.5, "depth": 10, "support": 7.5, "engagement": 10, "sentiment": 10},
        50,
    ),
]


@pytest.mark.parametrize(("name", "known", "points", "score"), HAND, ids=[row[0] for row in HAND])
def test_a_whole_customer_comes_to_what_was_worked_out_by_hand(
    shipped: Compiled, name: str, known: dict[str, Value], points: dict[str, float], score: int
) -> None:
    found = health.score(shipped.models[name], known.get)
    assert {part.name: part.points for part in found.parts} == pytest.approx(points)
    assert (found.value, found.known) == (score, 100)


@pytest.mark.parametrize("name", [row[0] for row in HAND])
def test_the_best_customer_has_100_and_the_worst_0(shipped: Compiled, name: str) -> None:
    best, worst = dict[str, Value](), dict[str, Value]()
    for model, _, fact, ratings in THRESHOLDS:
        if model == name:
            best[fact] = next(value for value, rating in ratings if rating == 100)
            worst[fact] = next(value for value, rating in reversed(ratings) if rating is not None and rating <= 20)
    if name == "four-component":
        best["contract.id"] = worst["contract.id"] = "k1"
        worst["contract.phase"] = "close"
        best["support.tickets_30d"] = 2
    assert health.score(shipped.models[name], best.get).value == 100
    assert health.score(shipped.models[name], worst.get).value == (2 if name == "formula" else 0)


def test_nps_or_csat_is_one_signal_of_whichever_was_answered(shipped: Compiled) -> None:
    model = shipped.models["five-signal"]
    both: dict[str, Value] = {"usage.login_frequency": "daily", "usage.feature_adoption": 0.9, "csat.score": 5}
    only = health.score(model, both.get)
    assert (only.value, only.known) == (100, 60)
    assert next(part for part in only.parts if part.name == "sentiment").points == 20
    assert health.score(model, (both | {"nps.score": 3}).get).value == 86, "(30 + 20 + 10) of 70"


def test_there_is_no_score_while_less_than_half_is_known(shipped: Compiled) -> None:
    model = shipped.models["points"]
    known: dict[str, Value] = {"usage.dau_wau": 0.7, "usage.features": 5, "usage.data_growth": 0.1}
    known |= {"usage.session_minutes": 6, "nps.score": 9}
    assert health.score(model, known.get) == health.Score(None, 45, health.score(model, known.get).parts)
    known |= {"sponsor.engaged": False}
    assert (health.score(model, known.get).value, health.score(model, known.get).known) == (88, 50)
    assert health.missing(model, known.get)["relationship.contacts"] == ("engagement.contacts",)


# --- in the engine ----------------------------------------------------------------------------------------------------

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_shipped_lifecycle_scores_by_points(shipped: Compiled) -> None:
    """The customer of `POINTS`, placed in adoption: 70 of 100, yellow; then its sponsor and its goals: 85, green."""
    library = Library(shipped.releases)
    facts = {name: value for name, value in POINTS.items() if not name.startswith("milestones.")}
    profile = Profile("Europe/Berlin", date(2026, 1, 20), tier="pro")
    contact, team = Contact("con_1", ("champion",)), {"csm": Teammate("mara", "Europe/Berlin")}
    signup = SignedUp(profile, (contact,), team, placed="adoption")
    events: list[tuple[datetime, Event]] = [
        (START + timedelta(days=1), FactsReported(facts)),
        (START + timedelta(days=1, hours=1), MilestoneTicked("roi_documented", "mara")),
    ]
    state = simulate(library, shipped.digest, signup, START, events, START + timedelta(days=2)).state
    assert (state.facts["health.score"].value, state.band) == (70, "yellow")
    events += [(START + timedelta(days=3), FactsReported({"sponsor.engaged": True, "value.goals_achieved": 0.9}))]
    state = simulate(library, shipped.digest, signup, START, events, START + timedelta(days=4)).state
    assert (state.facts["health.score"].value, state.band) == (85, "green")
    assert [(item.score, item.high) for item in state.history] == [(67, 70), (85, None)]


@pytest.mark.parametrize("model", ["formula", "four-component", "five-signal", "depth"])
def test_a_team_takes_another_model_by_naming_it(tmp_path: Path, model: str) -> None:
    shutil.copytree(ROOT / "playbooks", tmp_path / "playbooks")
    lifecycle = tmp_path / "playbooks" / "lifecycle.yaml"
    lifecycle.write_text(lifecycle.read_text().replace("\nhealth: points ", f"\nhealth: {model} "))
    compiled = compile_folder(tmp_path / "playbooks", ROOT / "templates")
    assert compiled.diagnostics == ()
    life = next(release for release in compiled.releases.values() if isinstance(release, Lifecycle))
    assert life.health is not None
    assert life.health.title != "Points"
