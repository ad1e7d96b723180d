"""Steps that leave something here: documents, opportunities, and work for the next person up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lifecycle.actions import Document, Escalate, Expr, Length, Opportunity, Webhook, When
from lifecycle.commands import CallWebhook, MakeDocument, RaiseTask, RecordOpportunity
from lifecycle.messages import Effect, FactsReported
from lifecycle.playbook import Step

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given

DAY_1 = When(day=1)
HALF = Expr("nps.score / 2", ("/", ("get", "nps.score"), ("const", 2)))


def test_a_document_is_made_for_its_person(given: Given) -> None:
    step = Step("plan", Document(("csm",), "success-plan", "Plan"), DAY_1)
    story = given(given.book(step)).when(at="2026-03-03 09:00").then("make_document plan mara")
    (command,) = story.commands
    assert isinstance(command, MakeDocument)
    assert command.touch == "c1/play/1/plan/1/send/mara"


def test_an_opportunity_carries_its_value_and_its_day(given: Given) -> None:
    step = Step("seats", Opportunity(("csm",), "seats", "More seats", Length(60, "days"), HALF, 5), DAY_1)
    story = given(given.book(step)).when(FactsReported({"nps.score": 9}), at="2026-03-02 12:00")
    (command,) = story.when(at="2026-03-03 09:00").then("record_opportunity seats mara").commands
    assert isinstance(command, RecordOpportunity)
    assert (command.value, command.closes_at) == (4.5, given.instant("2026-05-02 09:00"))


@pytest.mark.parametrize("value", [None, HALF, Expr("setup.api", ("const", True))])
def test_a_value_that_is_not_known_is_said_so(given: Given, value: Expr | None) -> None:
    step = Step("seats", Opportunity(("csm",), "seats", "More seats", Length(60, "days"), value), DAY_1)
    (command,) = given(given.book(step)).when(at="2026-03-03 09:00").commands
    assert isinstance(command, RecordOpportunity)
    assert command.value is None


def escalating(above: str) -> Step:
    return Step("up", Escalate(above, "Look at them", Length(4, "business_hours")), DAY_1)


def test_work_goes_to_the_next_person_up(given: Given) -> None:
    story = given(given.book(escalating("csm"))).when(at="2026-03-03 09:00").then("raise_task up tom")
    (command,) = story.commands
    assert isinstance(command, RaiseTask)
    assert (command.touch, command.title) == ("c1/play/1/up/1/task/tom", "")
    assert command.due_at == given.instant("2026-03-03 13:00")


def test_who_stands_in_for_a_role_is_not_above_it(given: Given) -> None:
    team = {name: who for name, who in given(given.book()).state.team.items() if name != "implementation_specialist"}
    step = escalating("implementation_specialist")
    given(given.book(step), team=team).when(at="2026-03-03 09:00").then("raise_task up tom")


def test_without_anybody_above_the_owner_is_asked_to_name_one(given: Given) -> None:
    story = given(given.book(escalating("sales"))).when(at="2026-03-03 09:00")
    story.then("raise_task up mara 'Name a person above the sales: up waits for one'").decided("held escalate up")


def test_above_a_role_that_nobody_has_is_the_first_of_its_chain(given: Given) -> None:
    life = given.life(roles={"sales": ("cs_manager",)})
    given(given.book(escalating("sales")), life=life, team={"csm": given(given.book()).state.team["csm"]}).when(
        at="2026-03-03 09:00"
    ).decided("held escalate up")


def test_another_system_is_told_what_is_known(given: Given) -> None:
    data = {"score": given.get("nps.score"), "share": given.get("usage.share")}
    book = given.book(Step("tell", Webhook("crm", "nps.told", data), DAY_1))
    story = given(book).when(FactsReported({"nps.score": 9}), at="2026-03-02 12:00").when(at="2026-03-03 09:00")
    (command,) = story.then("call_webhook tell crm").commands
    assert isinstance(command, CallWebhook)
    assert (command.touch, command.event, command.data) == ("c1/play/1/tell/1/send/crm", "nps.told", {"score": 9})
    story.decided("fired webhook tell", "nps.told to crm")


def test_a_message_that_was_refused_becomes_work_for_the_owner(given: Given) -> None:
    story = given(given.book(Step("tell", Webhook("crm", "nps.told", {}), DAY_1)))
    story.provider["tell"] = [Effect("", "failed", "crm refused the message (404)")]
    story.when(at="2026-03-03 09:00")
    story.then("call_webhook tell crm", "raise_task tell mara 'Could not deliver tell: crm refused the message (404)'")
