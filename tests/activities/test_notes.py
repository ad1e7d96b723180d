"""What a play about an item of a note says: the words of the note, which the batch does not carry."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from authoring.notes import Action, Note
from lifecycle.actions import Slack, Task
from lifecycle.commands import PostSlack, RaiseTask
from lifecycle.playbook import Lifecycle, Manifest, Step, digest_of
from lifecycle.programmes import Risk
from store import interactions, outbox, projections, releases, tables
from store.interactions import Agreed, Interaction
from workflows.interface import PlayInfo

if TYPE_CHECKING:
    from tests.activities.conftest import Office

pytestmark = [pytest.mark.usefixtures("clock"), pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)]
AT = datetime(2026, 3, 11, 9, tzinfo=UTC)
TITLE = "{% if note.item is defined %}{{ note.item }}, as the {{ note.call }} has it{% else %}Keep it{% endif %}"
CARD = "Title: x\n\n{% if note.risk is defined %}{{ note.risk }}: {{ note.play }}{% else %}nothing{% endif %}\n"


def keep(office: "Office") -> None:
    """A note with an action item `a1` and a risk `r1`, and a lifecycle that knows the risk."""
    note = Note(date(2026, 3, 10), "QBR", "Acme", actions=(Action("Send the roadmap"),), concerns=("They look around",))
    name = interactions.name_of(office.customer.id, note)
    items = (
        Agreed("a1", office.customer.id, name, "action", "Send the roadmap", "csm", date(2026, 3, 20)),
        Agreed("r1", office.customer.id, name, "risk", "They look around", risk="rival"),
    )
    with office.db.begin() as c:
        interactions.keep(c, Interaction(name, office.customer.id, note, "# x", "mara", AT, items))
        manifest = releases.load(c, office.catalogue)
        assert isinstance(manifest, Manifest)
        old = releases.load(c, manifest.lifecycle)
        assert isinstance(old, Lifecycle)
        life = replace(old, risks={"rival": Risk("A rival", ("rival",), "fight")})
        new = replace(manifest, lifecycle=digest_of(life))
        releases.commit(c, digest_of(new), {digest_of(life): life, digest_of(new): new}, note="test")
        c.execute(tables.customers.update().values(catalogue=digest_of(new)))
    office.catalogue = digest_of(new)


def about(**facts: str) -> dict[str, PlayInfo]:
    told = {key.replace("_", ".", 1): value for key, value in facts.items()}
    return {"onboarding/1": PlayInfo(anchor="2026-03-20", zone="Europe/Berlin", about=told)}


def task(office: "Office") -> RaiseTask:
    digest = office.release(steps=(Step("promise", Task(("csm",), TITLE)),))
    return RaiseTask(office.touch("promise", "task", "mara"), digest, "promise", "mara", AT, AT + timedelta(days=1))


def title(office: "Office", command: RaiseTask) -> str:
    with office.db.read() as c:
        row = projections.task(c, command.touch)
    assert row is not None
    return row.title


def test_the_task_of_an_item_has_the_words_of_the_note_and_is_known_by_it(office: "Office") -> None:
    keep(office)
    command = task(office)
    for _ in range(2):
        batch = office.batch(command, plays=about(action_id="a1"))
        assert [effect["result"] for effect in office.run(command, batch=batch)] == ["sent"]
    assert title(office, command) == "Send the roadmap, as the QBR of 10 March 2026 has it"
    with office.db.read() as c:
        item = interactions.item(c, "a1")
    assert item is not None
    assert (item.task, item.state) == (command.touch, "open")


def test_a_play_about_something_else_or_an_item_that_is_gone_says_nothing_of_it(office: "Office") -> None:
    for facts in ({}, {"action_id": "odd"}):
        command = task(office)
        command = replace(command, touch=f"{command.touch}{len(facts)}")
        office.run(command, batch=office.batch(command, plays=about(**facts)))
        assert title(office, command) == "Keep it"


def test_a_card_about_a_risk_names_the_playbook_that_is_suggested(office: "Office") -> None:
    keep(office)
    digest = office.release({"slack/risk.txt": CARD}, steps=(Step("tell", Slack(("csm",), "risk")),))
    command = PostSlack(office.touch("tell", "send", "mara"), digest, "tell", "mara", AT)
    performer = office.performer(slack_transport="outbox")
    batch = office.batch(command, plays=about(risk_id="r1"))
    assert [effect["result"] for effect in office.run(command, batch=batch, performer=performer)] == ["sent"]
    with office.db.read() as c:
        (entry,) = outbox.entries(c, 5, "card")
    assert "A rival: fight" in str(entry.body)
