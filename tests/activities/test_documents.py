"""Documents and opportunities: what is known stands in them, what is not says who can say it."""

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from activities import documents as writing
from lifecycle.actions import Document, Escalate, Length, Opportunity
from lifecycle.commands import MakeDocument, RecordOpportunity
from lifecycle.messages import Event, FactsReported
from lifecycle.playbook import Playbook, Step
from store import documents, inbox, opportunities, projections
from tests.fakes.slack import FakeSlack

if TYPE_CHECKING:
    from tests.activities.conftest import Office

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = pytest.mark.usefixtures("clock")
PLAN = """# Plan for {{ customer.name }}

| | |
| --- | --- |
| Use | {{ usage.dau_wau }} |
| In percent | {{ (usage.dau_wau * 100) | round | int }} |
| NPS | {{ nps.score }} |
{% if nps.score < 7 %}
They are unhappy.
{% endif %}
"""


def document(office: "Office", text: str = PLAN, title: str = "Plan: {{ customer.name }}") -> MakeDocument:
    steps = (Step("brief", Document(("csm",), "plan", title)),)
    digest = office.release({"documents/plan.md": text}, steps=steps)
    touch = office.touch("brief", "send", "mara")
    return MakeDocument(touch, digest, "brief", "mara", office.email().due)


def made(office: "Office") -> documents.Document:
    with office.db.read() as c:
        (found,) = documents.of(c, office.customer.id)
    return found


@on_sqlite
def test_a_document_says_what_is_known_and_who_can_say_the_rest(office: "Office") -> None:
    with office.db.begin() as c:
        told: Event = FactsReported({"usage.dau_wau": 0.42})
        inbox.accept(c, office.customer.id, "app", "e1", told, body_digest="x")
    assert office.one(document(office)) == ("sent", "")
    found = made(office)
    assert (found.title, found.to) == ("Plan: Acme", "mara")
    assert (
        "| Use | 0.42 |\n| In percent | 42 |\n| NPS | **missing: nps.score (ask the head of CS)** |" in found.markdown
    )
    assert "unhappy" not in found.markdown
    assert "<td><strong>missing: nps.score (ask the head of CS)</strong></td>" in found.html


@on_sqlite
def test_what_is_worked_out_from_a_missing_fact_is_missing_and_no_zero(office: "Office") -> None:
    office.one(document(office))
    assert "| In percent | **missing: usage.dau\\_wau (ask Mara Berg)** |" in made(office).markdown


@on_sqlite
def test_made_again_a_document_takes_its_own_place(office: "Office") -> None:
    command = document(office)
    assert [office.one(command)[0] for _ in range(2)] == ["sent", "sent"]
    assert made(office).touch == command.touch


@on_sqlite
def test_values_are_text_whatever_they_say(office: "Office") -> None:
    with office.db.begin() as c:
        text = "# [click](javascript:alert(1)) <b>\n\nx"
        told: Event = FactsReported({"usage.dau_wau": text})
        inbox.accept(c, office.customer.id, "app", "e1", told, body_digest="x")
    office.one(document(office, "Note: {{ usage.dau_wau }}\n"))
    assert made(office).html == "<p>Note: # [click](javascript:alert(1)) &lt;b&gt; x</p>\n"


def test_html_in_a_template_is_shown_and_not_run() -> None:
    assert writing.html("<script>alert(1)</script>") == "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"


@on_sqlite
@pytest.mark.parametrize("text", ["{{ nobody.knows }}", "{{ 1 / 0 }}", "{{ 'x' | round }}", "{{ ''.__class__ }}"])
def test_a_template_that_is_wrong_is_a_failure_with_its_name(office: "Office", text: str) -> None:
    result, reason = office.one(document(office, text))
    assert result == "failed"
    assert reason.startswith("documents/plan.md: ")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "{{ x + 1 }} {{ 1 - x }} {{ -x }}",
            "**missing: Use (ask Mara)** **missing: Use (ask Mara)** **missing: Use (ask Mara)**",
        ),
        ("{{ x | default('none') }}", "none"),
        ("{{ 'more' if x > 1 else 'less' }}", "less"),
        ("{{ 'known' if x is defined else 'not known' }}", "not known"),
        ("{{ true }} {{ 'a_b' }}", "yes a\\_b"),
        ("{{ 3600 }} {{ 12500.0 }} {{ 1234.5 }} {{ 7 }} {{ 0 }}", "3,600 12,500 1,234.5 7 0"),
        ("{{ 84.0 }} {{ 0.64 }} {{ 0.004 }} {{ 2 / 3 }} {{ -1.257 }}", "84 0.64 0.004 0.67 -1.26"),
    ],
)
def test_a_missing_value_never_becomes_another_one(text: str, shown: str) -> None:
    book = Playbook("b", "B", "csm", (), (), "b.yaml", templates={"t": text})
    assert writing.markdown(book, "t", {"x": writing.missing("Use", "Mara")}) == f"{shown}\n"


@on_sqlite
def test_a_step_that_makes_no_document_cannot_be_one(office: "Office") -> None:
    assert office.one(replace(document(office), step="plan", release=office.digest))[0] == "failed"


@on_sqlite
def test_an_opportunity_is_kept_with_what_its_step_says(office: "Office") -> None:
    action = Opportunity(("csm",), "seats", "More seats for {{ customer.name }}", Length(60, "days"), None, 5)
    digest, due = office.release(steps=(Step("sell", action),)), office.email().due
    command = RecordOpportunity(
        office.touch("sell", "send", "mara"), digest, "sell", "mara", due, due + timedelta(days=60), 2000.0
    )
    assert [office.one(command)[0] for _ in range(2)] == ["sent", "sent"]
    with office.db.read() as c:
        (found,) = opportunities.listed(c)
    assert (found.title, found.opportunity, found.owner, found.stage) == (
        "More seats for Acme",
        "seats",
        "mara",
        "open",
    )
    assert (found.value, found.commission, found.earned) == (2000, 5, 100)
    assert replace(found, value=None).earned is None
    assert (
        office.one(replace(command, touch=office.touch("sell", "x"), step="plan", release=office.digest))[0] == "failed"
    )


@on_sqlite
def test_work_for_the_next_person_up_has_the_words_of_its_step(office: "Office", slack_server: FakeSlack) -> None:
    steps = (Step("plan", Escalate("csm", "Look at {{ customer.name }}", checklist=("Called",))),)
    command = replace(office.task(), release=office.release(steps=steps))
    assert office.one(command) == ("sent", "")
    with office.db.read() as c:
        row = projections.task(c, command.touch)
    assert row is not None
    assert (row.title, row.checklist) == ("Look at Acme", ("Called",))
    assert len(slack_server.messages) == 1
