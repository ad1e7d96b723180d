"""Notes of calls: what one changes, that it acts once, what an edited one does, and what never leaves the store."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from freezegun import freeze_time
from sqlalchemy import select

from authoring.compile import Compiled
from gateway import notes
from gateway.envelope import Inbound
from gateway.intake import Intake, Lifecycles, Receipt
from gateway.refusals import RefusedError
from lifecycle.commands import RaiseTask
from lifecycle.playbook import Lifecycle
from store import customers, interactions, opportunities, projections, releases, tables, team
from store.database import Database
from store.interactions import Interaction
from store.opportunities import Opportunity

ROOT = Path(__file__).resolve().parent.parent.parent
AT = datetime(2026, 3, 11, 9, tzinfo=UTC)
NOTE = """# 2026-03-10 - QBR: Acme

## Account Health

- NPS: 9 (last: 7)
- Adoption: 72% (target: 80%)
- Renewal: 2026-09-30

## Key Wins

- Reporting takes one hour a week

## Concerns

- [[Zoe Quist]] of Acme looks at a competitor, because of the price

## Action Items

- [ ] Send the secret roadmap (owner: ae, due: 2026-03-20)
- [ ] Show the import to [[Ada Lovelace]]
- [x] Close the ticket

## Expansion Opportunity

- Teams: Finance
- ACV uplift: 24k

## Goals

- Half the time for reports
"""


@dataclass
class Desk:
    """Acme, with Ada as its champion and Mara as its CSM; `told`: the events of its inbox, but for the signup."""

    db: Database
    intake: Intake
    customer: str
    life: Lifecycle
    count: int = 0

    def note(self, text: str = NOTE, **data: Any) -> Receipt:
        self.count += 1
        return self.intake.take(
            Inbound("api", "interaction.noted", f"n{self.count}", {"customer": "acme", "note": text, **data})
        )

    def told(self, since: int = 0) -> list[dict[str, Any]]:
        with self.db.read() as c:
            rows = c.execute(select(tables.inbox).where(tables.inbox.c.seq > since + 1).order_by(tables.inbox.c.seq))
            return [row.event for row in rows if row.delivered_at is None]

    def happened(self, since: int = 0) -> list[str]:
        return [event.get("name", event["kind"]) for event in self.told(since)]

    def seq(self) -> int:
        with self.db.read() as c:
            return int(c.execute(select(tables.customers.c.seq)).scalar_one()) - 1

    def calls(self) -> tuple[Interaction, ...]:
        with self.db.read() as c:
            return interactions.of(c, [self.customer])

    def raise_task(self, text: str) -> str:
        """The task of an item, as the worker raises it."""
        item = next(one for one in self.calls()[0].items if one.text.startswith(text))
        touch = f"{self.customer}/action-item/1/promise/1/task/mara"
        with self.db.begin() as c:
            projections.raise_task(c, RaiseTask(touch, "0" * 16, "promise", "mara", AT, AT), self.customer, "x", ())
            interactions.link(c, item.id, touch)
        return touch


@pytest.fixture
def desk(db: Database, compiled: Compiled, signup: Callable[..., dict[str, Any]]) -> Iterator[Desk]:
    assert compiled.digest
    with db.begin() as c:
        releases.commit(c, compiled.digest, dict(compiled.releases), note="shipped")
    with freeze_time(AT, real_asyncio=True):
        intake = Intake(db, Lifecycles(), allow_rehearsal=False)
        event = signup()
        intake.take(Inbound("api", event["type"], event["id"], event["data"]))
        with db.read() as c:
            found = customers.find(c, "acme")
            _, life = Lifecycles().current(c)
        assert found
        yield Desk(db, intake, found.id, life)


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_a_note_becomes_facts_tasks_risks_and_room_to_grow(desk: Desk) -> None:
    desk.note()
    assert desk.happened() == [
        "interaction.noted",
        "action.agreed",
        "action.agreed",
        "risk.named",
        "risk.named",
        "goals.noted",
        "expansion.noted",
    ]
    noted, first, second, competitor, budget, _, expansion = desk.told()
    assert noted["facts"] == {
        "account.sentiment": "positive",
        "nps.score": 9,
        "nps.previous": 7,
        "account.adoption": 0.72,
        "account.adoption_target": 0.8,
    }
    assert (first["facts"]["action.owner"], first["facts"]["action.due_on"]) == ("ae", "2026-03-20")
    assert (second["facts"]["action.owner"], second["facts"]["action.due_on"]) == ("csm", "2026-03-17")
    assert (competitor["facts"]["risk.kind"], budget["facts"]["risk.kind"]) == ("competitor", "budget")
    assert expansion["facts"] == {"expansion.uplift": 24_000, "expansion.teams": 1}


def test_nothing_personal_is_told_to_the_workflow(desk: Desk) -> None:
    desk.note()
    told = json.dumps(desk.told())
    assert not [word for word in ("secret", "Zoe", "Ada", "competitor,", "Reporting", "Half") if word in told]


def test_the_call_stands_on_the_customer_with_what_was_agreed(desk: Desk) -> None:
    desk.note()
    desk.note(NOTE.replace("2026-03-10 - QBR", "2026-03-11 - Call"))
    call, review = desk.calls()
    assert (call.note.title, review.note.title) == ("Call of 2026-03-11", "QBR of 2026-03-10")
    assert [(item.text, item.state) for item in review.actions] == [
        ("Send the secret roadmap", "open"),
        ("Show the import to [[Ada Lovelace]]", "open"),
        ("Close the ticket", "done"),
    ]
    assert [item.risk for item in review.risks] == ["budget", "competitor"]
    assert [item.overdue(date(2026, 3, 18)) for item in review.actions] == [False, True, False]
    assert review.markdown == NOTE
    assert review.noted_by == "mara"


def test_the_same_note_acts_once(desk: Desk) -> None:
    desk.note()
    before = desk.seq()
    assert desk.note().fresh
    assert desk.note(NOTE + "\n\n").fresh
    assert desk.told(before) == []
    assert len(desk.calls()) == 1


def test_an_edited_note_changes_what_differs_and_ends_what_is_gone(desk: Desk) -> None:
    desk.note()
    task, before = desk.raise_task("Send"), desk.seq()
    edited = NOTE.replace("due: 2026-03-20", "due: 2026-03-27").replace("NPS: 9", "NPS: 8")
    desk.note(edited.replace("- [ ] Show", "- [x] Show"), by="priya@stageplay.example.com")
    assert desk.happened(before) == [
        "interaction.noted",
        "action.agreed",
        "action.closed",
        "action.closed",
        "task_ticked",
    ]
    noted, agreed, done, dropped, ticked = desk.told(before)
    assert noted["facts"] == {"account.sentiment": "neutral", "nps.score": 8}
    assert agreed["facts"]["action.due_on"] == "2026-03-27"
    assert (done["facts"]["action.state"], dropped["facts"]["action.state"]) == ("done", "dropped")
    assert (ticked["task"], ticked["by"]) == (task, "priya")
    assert [item.state for item in desk.calls()[0].actions] == ["open", "done", "done"]
    assert desk.calls()[0].noted_by == "priya"


def record(desk: Desk, playbook: str, value: float, stage: str = "open") -> str:
    """An opportunity as the worker records it."""
    step = "offer" if playbook == "renewal-upsell" else "opportunity"
    touch = f"{desk.customer}/{playbook}/{value:.0f}/{step}/1/send/{stage}"
    found = Opportunity(touch, desk.customer, "multi_team", "More teams", "lucia", value, 5, AT, AT, stage)
    with desk.db.begin() as c:
        opportunities.record(c, found)
    return touch


def shown(desk: Desk, text: str) -> list[str]:
    """What the note is said to change, before it is done."""
    with desk.db.read() as c:
        home = customers.get(c, desk.customer)
        note, _ = notes.read(c, home, text, desk.life)
        assert note
        return list(notes.told(notes.plan(c, home, note, text, notes.author(c, home, None), desk.life), desk.life))


def test_an_edited_uplift_is_that_of_the_opportunity_too(desk: Desk) -> None:
    desk.note()
    mine = record(desk, "expansion-noted", 24000)
    others = [
        record(desk, "expansion-noted", 24000, "won"),
        record(desk, "expansion-noted", 23000),
        record(desk, "expansion-seats", 24000),
        record(desk, "renewal-upsell", 24000),
    ]
    before, edited = desk.seq(), NOTE.replace("24k", "60k")
    assert "  More teams: 24,000 -> 60,000 a year" in shown(desk, edited)
    desk.note(edited)
    assert desk.told(before)[0]["facts"] == {"expansion.uplift": 60000}
    with desk.db.read() as c:
        found = opportunities.get(c, mine)
        (move,) = opportunities.moves(c, mine)
        rest = [opportunities.get(c, touch) for touch in others]
    assert found is not None
    assert (found.value, found.stage, found.earned) == (60000, "open", 3000)
    assert (move.was, move.stage, move.moved_by, move.reason) == (
        "open",
        "open",
        "mara",
        "the note of the QBR of 2026-03-10 says so",
    )
    assert [one.value for one in rest if one] == [24000, 23000, 24000, 24000]


def test_an_uplift_that_is_taken_out_leaves_the_opportunity(desk: Desk) -> None:
    desk.note()
    mine = record(desk, "expansion-noted", 24000)
    desk.note(NOTE.replace("- ACV uplift: 24k\n", ""))
    desk.note()
    with desk.db.read() as c:
        assert [one.value for one in opportunities.listed(c, desk.customer)] == [24000]
        assert opportunities.moves(c, mine) == ()


def test_a_renewal_that_a_note_names_is_told_beside_the_contract(desk: Desk) -> None:
    said = "  renewal, as it is said there: 2026-09-30 (%s; contracts stay as they are)"
    assert said % "no contract is known" in shown(desk, NOTE)
    contract = {"customer": "acme", "contract": {"id": "main", "ends_on": "2027-03-01"}}
    desk.intake.take(Inbound("api", "contract.signed", "c1", contract))
    assert said % "the contract says 2027-03-01" in shown(desk, NOTE)


def test_an_item_that_comes_back_is_agreed_again(desk: Desk) -> None:
    desk.note()
    desk.note(NOTE.replace("- [ ] Show the import to [[Ada Lovelace]]\n", ""))
    before = desk.seq()
    desk.note()
    assert desk.happened(before) == ["interaction.noted", "action.agreed"]


def test_a_task_that_was_ticked_shows_its_item_as_done(desk: Desk) -> None:
    desk.note()
    task = desk.raise_task("Send")
    with desk.db.begin() as c:
        projections.tick_task(c, task, "mara", done=True)
    assert [item.state for item in desk.calls()[0].actions] == ["done", "open", "done"]
    before = desk.seq()
    desk.note(NOTE.replace("- [ ] Send", "- [x] Send"))
    assert "task_ticked" not in desk.happened(before)


def test_what_was_told_after_the_call_stands_and_so_does_a_later_note(desk: Desk) -> None:
    desk.intake.take(Inbound("api", "facts.reported", "f1", {"customer": "acme", "facts": {"nps.score": 3}}))
    desk.note()
    assert "nps.score" not in desk.told()[1]["facts"]
    before = desk.seq()
    desk.note(NOTE.replace("2026-03-10 - QBR", "2026-02-10 - Call"))
    assert "facts" not in desk.told(before)[0]


def test_a_lifecycle_that_knows_none_of_it_takes_the_note_and_is_told_what_comes_of_nothing(desk: Desk) -> None:
    bare = replace(desk.life, events={}, facts={}, risks={})
    with desk.db.read() as c:
        whose = customers.get(c, desk.customer)
        note, _ = notes.read(c, whose, NOTE, bare)
        mara = team.teammate(c, "mara")
        assert note
        assert mara
        plan = notes.plan(c, whose, note, NOTE, mara, bare)
    assert plan.facts == {}
    lines = list(notes.told(plan, bare))
    assert "  action.agreed is no event of your facts.yaml: nothing comes of it" in lines


@pytest.mark.parametrize(
    ("data", "field", "says"),
    [
        ({"note": None}, "note", "is missing or not text"),
        ({"note": NOTE.replace("NPS: 9", "NSP: 9")}, "note", "line 5: no such label stands here"),
        ({"note": NOTE.replace("NPS: 9", "NSP: 9").replace("## Key", "## My")}, "note", "and 1 more"),
        ({"note": NOTE.replace("Acme", "Globex")}, "note", 'another account than "Acme"'),
        ({"note": NOTE, "by": "eve@example.com"}, "by", "is nobody on the team"),
        ({"note": NOTE, "who": "x"}, "data.who", "is not a field here"),
    ],
)
def test_what_cannot_be_taken_is_refused_by_its_line_and_nothing_is_stored(
    desk: Desk, data: dict[str, Any], field: str, says: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        desk.note(**{"text": data.pop("note"), **data})
    assert refused.value.field == field
    assert says in refused.value.problem
    assert desk.calls() == ()
    assert desk.told() == []


def test_somebody_must_have_written_it(desk: Desk) -> None:
    with desk.db.begin() as c:
        c.execute(tables.assignments.delete())
    with pytest.raises(RefusedError, match="has no CSM"):
        desk.note()


@pytest.mark.anyio
async def test_pasted_on_the_dashboard_it_is_looked_at_first(client: httpx.AsyncClient, desk: Desk) -> None:
    await client.post("/sign-in", data={"token": "one-time-token", "acting": "mara"})
    path = f"/customers/{desk.customer}/note"
    page = (await client.get(path)).text
    assert "# 2026-03-10 - QBR: Acme" in page
    csrf = page.split('name="csrf" value="')[1].split('"')[0]
    bad = await client.post(path, data={"csrf": csrf, "note": NOTE.replace("NPS: 9", "NSP: 9")})
    assert (bad.status_code, "Line 5:" in bad.text) == (422, True)
    other = await client.post(path, data={"csrf": csrf, "note": NOTE.replace("Acme", "Globex")})
    assert "another account than" in other.text
    looked = await client.post(path, data={"csrf": csrf, "note": NOTE})
    assert "task for the ae, due 2026-03-20: Send the secret roadmap" in looked.text
    assert desk.calls() == ()
    done = {"csrf": csrf, "note": NOTE.replace("\n", "\r\n"), "do": "yes", "press": "p1"}
    for _ in range(2):
        answer = await client.post(path, data=done)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/customers/{desk.customer}")
    assert len(desk.calls()) == 1
    home = (await client.get(f"/customers/{desk.customer}")).text
    assert "Send the secret roadmap" in home
    assert "<li>Zoe Quist <small>named in a call, no contact yet</small></li>" in home
    assert "Ada Lovelace <small>named in a call" not in home
    assert 'value="competitor-mentioned"' in home
    call = await client.get(f"/customers/{desk.customer}/calls/qbr/2026-03-10")
    assert "Reporting takes one hour a week" in call.text
    assert (await client.get(f"/customers/{desk.customer}/calls/qbr/2026-03-11")).status_code == 404
    assert (await client.get("/customers/odd/note")).status_code == 404
