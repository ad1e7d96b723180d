"""What a plan says: of the files, of the plays in flight, of the days to come."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from authoring import planned
from authoring.answers import usual
from authoring.lives import from_state
from authoring.plan import Banded, BookChange, Plan, book_changes, flights, plan, propose, standing, timing
from authoring.segments import read_segment
from authoring.shadow import Seen, compare, to_text
from authoring.simulate import Library
from lifecycle.actions import Expr, Wait, When
from lifecycle.health import Component, HealthModel, Metric
from lifecycle.messages import CatalogueApplied, FactsReported
from lifecycle.playbook import Lifecycle

PLACED = "{ id: acme, name: Acme, stage: onboarding, signed_up_on: 2026-02-27, champion: ada@acme.example.com }"
NEW = "{ id: b, name: Bo, champion: bo@b.example.com }"


def planning(
    theatre: Any, new_care: str, *lines: str, move: tuple[str, ...] = ("care",), late: Any = "skip", care: str = ""
) -> Plan:
    old, new = (theatre.world(usual(theatre.lifecycle), care=text) for text in (care or theatre.care, new_care))
    library = Library({**old.library.releases, **new.library.releases})
    return plan(
        propose(replace(old, library=library), new.digest, move, late), theatre.starts(*(lines or (PLACED, NEW)))
    )


def changed(theatre: Any, care: str) -> tuple[str, ...]:
    found = planning(theatre, care).books
    assert [(book.name, book.what) for book in found] == [("care", "changed")]
    return found[0].lines


ASKED = "    approval: { by: csm, within: 8 business hours, escalate: [{ after: 2 business hours, to: cs_manager }] }\n"
EDITS = [
    ("day: 5", "day: 6", "re-timed: day 5 at 18:00 -> day 6 at 18:00"),
    ("priority: 40", "priority: 60", "priority 40 -> 60"),
    ("owner: csm", "owner: csm\nexit: customer.stage == 'churned'", "exit none -> customer.stage == 'churned'"),
    ("{ stage: onboarding }", "{ event: nps.answered }", "triggers event none -> nps.answered"),
    ("day: 4, survey", "day: 4, if: customer.arr > 5, survey", '"if" none -> customer.arr > 5'),
    ("id: ask, day: 4", "id: asked, was: ask, day: 4", "step asked: was ask"),
    ("id: ask, day: 4", "id: asked, day: 4", "step asked looks the same as ask: if it was renamed, say `was: ask`"),
    (
        "id: ask, day: 4, survey: { kind: nps, to: champion }",
        "id: ask, day: 4, task: { to: csm, title: x }",
        "else (task)",
    ),
    ("to: csm, title: ", "to: cs_manager, title: ", "to csm -> cs_manager"),
    ("{ stage: onboarding }", "[{ stage: onboarding }, { event: nps.answered }]", "triggers changed"),
    ("day: 4, survey", "day: 4, catch_up: yes, survey", "catch up no -> yes"),
    (ASKED, "", "approval removed"),
    (
        "escalate: [{ after: 2 b",
        "escalate: [{ after: 3 b",
        "approval escalate after 2 business hours -> 3 business hours",
    ),
    ("within: 8", "within: 9", "approval within 8 business hours -> 9 business hours"),
]


@pytest.mark.parametrize(("old", "new", "said"), EDITS)
def test_every_edit_is_said(theatre: Any, old: str, new: str, said: str) -> None:
    assert old in theatre.care
    assert any(said in line for line in changed(theatre, theatre.care.replace(old, new, 1)))


def test_of_a_lifecycle_a_plan_says_which_of_its_values_are_others(theatre: Any) -> None:
    life = theatre.lifecycle
    first = life.stages[0]
    stages = (replace(first, to_day=5, criterion=Expr("customer.arr > 1", ("const", True))), *life.stages[1:])
    facts = {f"new.fact{n}": next(iter(life.facts.values())) for n in range(12)}
    other = replace(life, stages=stages, politeness=replace(life.politeness, per_week=3), facts={**life.facts, **facts})
    lines = rescored(theatre, other).books[-1].lines
    assert f"stages {first.name} to day {first.to_day} -> 5" in lines
    assert f"stages {first.name} done access.given -> customer.arr > 1" in lines
    assert "facts new.fact0 added" in lines
    assert len(lines) == 9, "of very many the first eight"
    assert lines[-1] == "and 7 more"


@pytest.mark.parametrize("move", [("care",), ()])
def test_a_plan_tells_of_nobody_who_loses_a_step_that_says_what_it_was_called(
    theatre: Any, move: tuple[str, ...]
) -> None:
    found = planning(theatre, theatre.care.replace("id: ask, day: 4", "id: asked, was: ask, day: 4", 1), move=move)
    assert found.difference.customers == 2
    assert (found.difference.lose, found.difference.gain, found.difference.changed) == ({}, {}, 0)


def test_a_step_in_another_branch_and_new_and_old_playbooks_are_said(theatre: Any) -> None:
    under = (
        "  - id: seen\n    wait: { until: nps.score > 6, by: day 9 }\n    then:\n"
        "      - { id: later, after: { step: tip, delay: 2 days }, task: { to: csm, title: A } }\n"
        "      - { id: soon, day: 7, task: { to: csm, title: B } }\n"
        "      - { id: now, task: { to: csm, title: C } }\n"
    )
    first = planning(theatre, theatre.care + under).books[0].lines
    assert "step seen added: wait, by day 9" in first
    assert "step later added: task, 2 days after tip" in first
    assert "step now added: task, at once" in first
    out = under.replace("    then:\n", "").replace("      - {", "  - {")
    old, new = (theatre.world(care=theatre.care + text) for text in (under, out))
    library = Library({**old.library.releases, **new.library.releases})
    assert "step soon: stands in another branch" in book_changes(library, old.digest, new.digest)[0].lines
    manifest = library.catalogue(old.digest)
    without = {name: digest for name, digest in manifest.playbooks.items() if name != "care"}
    life = replace(library.lifecycle(manifest.lifecycle), default_zone="UTC")
    other = replace(manifest, playbooks=without, lifecycle="life")
    library = Library({**library.releases, "other": other, "life": life})
    assert book_changes(library, old.digest, "other")[0] == BookChange("care", "removed")
    assert book_changes(library, "other", old.digest)[0] == BookChange("care", "new")
    assert book_changes(library, "other", old.digest)[1].name == life.name
    assert timing(replace(library.playbook(manifest.playbooks["care"]).steps[0], when=When())) == "at once"


def test_a_play_moves_and_everybody_is_counted(theatre: Any) -> None:
    found = planning(theatre, theatre.care.replace("day: 5", "day: 12").replace("id: ask,", "id: ask2, was: ask,"))
    assert [(flight.name, flight.fate) for flight in found.flights if flight.playbook == "care"] == [("Acme", "moves")]
    said = planned.to_text(found)
    assert "get call at another time: 1 play (Acme), such as 2026-03-04 17:00 UTC -> 2026-03-11 17:00 UTC" in said
    assert "know ask2 by its new name: 1 play (Acme)" in said
    data = json.loads(json.dumps(planned.to_json(found)))
    assert data["refused"] == 0
    assert next(row for row in data["plays"] if row["play"] == "care/1")["fate"] == "moves"
    assert planned.to_markdown(found).startswith("### Playbooks")


def test_a_play_that_would_repeat_something_is_refused(theatre: Any) -> None:
    found = planning(theatre, theatre.care.replace("id: ask,", "id: ask2,"))
    assert [flight.play for flight in found.refused] == ["care/1"]
    said = planned.to_text(found)
    assert "would get ask2 twice: 1 play (Acme); it looks the same as ask, which the customer waits for" in said
    assert said.endswith("Refused: 1 play would do something twice. Say `was:` where a step was renamed.")


def test_a_step_that_is_moved_into_a_branch_is_said_to_wait_for_it(theatre: Any) -> None:
    call = theatre.care[theatre.care.index("  - { id: call") :]
    into = "  - id: seen\n    wait: { until: nps.score > 6, by: day 9 }\n    then:\n    " + call
    found = planning(theatre, theatre.care.replace(call, into))
    said = planned.to_text(found)
    assert "    wait with call: 1 play (Acme); it stands in a branch of seen, which is not open" in said
    back = planning(theatre, theatre.care.replace("day: 5", "day: 12"), care=theatre.care.replace(call, into))
    assert "    get call at another time: 1 play (Acme), such as 2026-03-11 17:00 UTC" in planned.to_text(back)


def test_steps_that_exchange_their_ids_are_not_refused_where_neither_came_yet(theatre: Any) -> None:
    ask, call = (theatre.care[theatre.care.index(f"id: {name},") :].splitlines()[0] for name in ("ask", "call"))
    swapped = theatre.care.replace(ask, ask.replace("ask", "call", 1)).replace(call, call.replace("call", "ask", 1))
    assert swapped != theatre.care
    assert planning(theatre, swapped, late="fire").refused == []


def test_a_play_that_nobody_moves_is_pinned_and_one_without_playbook_stays(theatre: Any) -> None:
    found = planning(theatre, theatre.care.replace("day: 5", "day: 12"), move=())
    assert "To move them: --move care" in planned.to_text(found)
    old = theatre.world(usual(theatre.lifecycle))
    manifest = old.library.catalogue(old.digest)
    without = {name: digest for name, digest in manifest.playbooks.items() if name != "care"}
    library = Library({**old.library.releases, "gone": replace(manifest, playbooks=without)})
    gone = plan(propose(replace(old, library=library), "gone", ("care",)), theatre.starts(PLACED), outside=3)
    assert {flight.fate for flight in gone.flights if flight.playbook == "care"} == {"stays"}
    assert "3 customers are not told" in planned.to_text(gone)


def test_a_live_customer_is_brought_up_to_the_beginning_of_the_period(theatre: Any) -> None:
    world = theatre.world(usual(theatre.lifecycle))
    placed = standing(world, theatre.starts(PLACED)[0])
    assert placed.state is not None
    late = replace(world, since=placed.state.as_of + timedelta(days=3))
    soon, after = (placed.state.as_of + timedelta(days=days) for days in (1, 9))
    told = (soon, FactsReported({"nps.score": 5})), (after, FactsReported({"nps.score": 9}))
    found = standing(late, from_state(placed.state, "Acme", told)).state
    assert found is not None
    assert found.as_of == late.since
    assert found.facts["nps.score"].value == 5


def test_a_shadow_counts_the_decisions_of_either_side(theatre: Any) -> None:
    old = theatre.world(usual(theatre.lifecycle))
    new = theatre.world(usual(theatre.lifecycle), care=theatre.care.replace("day: 5", "day: 6"))
    library = Library({**old.library.releases, **new.library.releases})
    states = [
        standing(old, start).state for start in theatre.starts(*(PLACED.replace("acme,", f"a{n},") for n in range(7)))
    ]
    seen = [Seen(f"A{n}", state, ()) for n, state in enumerate(states) if state is not None]
    event = CatalogueApplied(new.digest, ("care",))
    found = compare(library, event, seen, until=old.since + timedelta(days=10))
    assert (found.customers, found.differ) == (7, 7)
    assert "only live: 7 x care/call task fired (A0, A1, A2, A3, A4)" in to_text(found)
    again = compare(library, replace(event, move=()), [seen[0], seen[0]], until=old.since + timedelta(days=10))
    assert again.differ == 0


def test_a_segment_is_checked_before_it_is_used(lifecycle: Lifecycle) -> None:
    expr, found = read_segment("customer.arr > 5", lifecycle)
    assert expr is not None
    assert not found
    assert read_segment("nps.score > 5", lifecycle)[0] is None


def test_a_wait_without_a_day_says_what_it_is(theatre: Any) -> None:
    step = theatre.books[0].steps[0]
    assert timing(replace(step, action=Wait(When()), when=When())) == "at once"


def test_another_text_is_said_by_its_file(theatre: Any) -> None:
    world = theatre.world()
    manifest = world.library.catalogue(world.digest)
    book = world.library.playbook(manifest.playbooks["care"])
    path = next(iter(book.templates))
    new = replace(book, templates={**book.templates, path: "Hello"})
    odd = replace(book, format=99)
    least = replace(book, entry=Expr("conditions.fine", (">", ("get", "customer.arr"), ("const", 5))))
    more = replace(least, entry=Expr("conditions.fine", (">", ("get", "customer.arr"), ("const", 6))))
    books = {"new": new, "odd": odd, "least": least, "more": more}
    catalogues = {name: replace(manifest, playbooks={**manifest.playbooks, "care": name}) for name in books}
    releases = {**world.library.releases, **books}
    library = Library({**releases, **{f"of {name}": found for name, found in catalogues.items()}})
    assert book_changes(library, world.digest, "of new")[0].lines == (f"text changed: templates/{path}",)
    assert book_changes(library, world.digest, "of odd")[0].lines == ("compiled otherwise",)
    same = "entry conditions.fine, which means something else now"
    assert book_changes(library, "of least", "of more")[0].lines == (same,)


def test_a_step_that_is_gone_is_said_and_a_play_that_is_over_is_none_in_flight(theatre: Any) -> None:
    assert changed(theatre, theatre.care[: theatre.care.index("  - { id: call")]) == ("step call removed",)
    world = theatre.world(usual(theatre.lifecycle))
    state = standing(world, theatre.starts(PLACED)[0]).state
    assert state is not None
    over = replace(state, plays=tuple(replace(play, over=True) for play in state.plays))
    assert flights(world.library, over, "Acme", CatalogueApplied(world.digest), now=over.as_of) == []


# --- another health model ---------------------------------------------------------------------------------------------


def rescored(theatre: Any, life: Lifecycle, *, facts: str = "nps.score: 9") -> Plan:
    """A plan for three placed customers, from the standard folder to another lifecycle."""
    world = theatre.world()
    plain = world.library.lifecycle(world.library.catalogue(world.digest).lifecycle)
    manifest = replace(world.library.catalogue(world.digest), lifecycle="life of new")
    assert plain != life
    library = Library({**world.library.releases, "life of new": life, "new": manifest})
    accounts = [
        f"{{ id: c{number}, name: C{number}, stage: adoption, signed_up_on: 2026-01-05, champion: ada@c.example.com, "
        f"facts: {{ {known} }} }}"
        for number, known in enumerate((facts, "health.score: 90", "plan.name: paid"))
    ]
    return plan(propose(replace(world, library=library), "new"), theatre.starts(*accounts))


def test_who_changes_the_band_by_another_model_is_said_with_the_scores(theatre: Any) -> None:
    nps = Metric("nps", "NPS", value=Expr("nps.score * 10", ("*", ("get", "nps.score"), ("const", 10))))
    model = HealthModel("mood", "Mood", "m.yaml", (Component("mood", "Mood", 100, (nps,)),), {"green": 95, "red": 0})
    found = rescored(theatre, replace(theatre.lifecycle, health=model, bands=model.bands))
    assert [(item.name, item.before, item.after, item.was, item.becomes) for item in found.bands] == [
        ("C0", "", "red", None, 90),
        ("C1", "green", "red", 90, 90),
    ]
    assert found.books[-1].lines == (
        "health: reported scores -> mood",
        "bands: green 80, yellow 60, red 40, critical 0 -> green 95, red 0",
    )
    said = planned.to_text(found)
    assert "  green -> red: 1 customer (C1 90 -> 90)" in said
    assert "  no band -> red: 1 customer (C0 none -> 90)" in said
    assert "### Health bands" in planned.to_markdown(found)
    assert planned.to_json(found)["bands"][1] == {
        "customer": "c1",
        "name": "C1",
        "before": "green",
        "after": "red",
        "was": 90,
        "becomes": 90,
    }


def test_a_model_that_moves_nobody_is_said_so(theatre: Any) -> None:
    other = replace(theatre.lifecycle, bands={"green": 85, "yellow": 60, "red": 40, "critical": 0})
    found = rescored(theatre, other)
    assert found.bands == []
    assert "Health bands\n  nobody changes the band" in planned.to_text(found)
    assert found.books[-1].lines[0] == "health: reported scores with other figures"
    none = rescored(theatre, replace(theatre.lifecycle, bands={}))
    assert none.books[-1].lines[1] == "bands: green 80, yellow 60, red 40, critical 0 -> none"


def test_another_weight_is_another_model_though_its_bands_stay(theatre: Any) -> None:
    nps = Metric("nps", "NPS", value=Expr("nps.score", ("get", "nps.score")))
    model = HealthModel("mood", "Mood", "m.yaml", (Component("mood", "Mood", 100, (nps,)),))
    world = theatre.world()
    lives = {name: replace(theatre.lifecycle, health=replace(model, least_known=n)) for n, name in enumerate("ab")}
    manifests = {f"of {name}": replace(world.library.catalogue(world.digest), lifecycle=name) for name in "ab"}
    library = Library({**world.library.releases, **lives, **manifests})
    assert book_changes(library, "of a", "of b")[0].lines == ("health: mood with other figures",)


def test_many_who_change_the_band_are_counted() -> None:
    lines = planned.band_lines([Banded(f"c{n}", f"C{n}", "green", "red", 90, 20) for n in range(7)])
    assert lines == [
        "green -> red: 7 customers (C0 90 -> 20, C1 90 -> 20, C2 90 -> 20, C3 90 -> 20, C4 90 -> 20 and 2 more)"
    ]
