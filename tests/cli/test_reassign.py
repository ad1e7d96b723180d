"""`stageplay coverage` and `stageplay reassign` on real parts: store, core, the activity with its outbox. Row A8.

Forty customers of Mara, each with an open question, an open task and two meetings to come, one of them of a play that
has ended. `tests/fakes/floor.py` plays the workflows.
"""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from sqlalchemy import select, update

from activities.mime import of_parts
from cli.main import run
from cli.staffing import carry_out
from gateway.intake import Intake, Lifecycles
from gateway.returning import give_back
from store import books, handing, outbox, pages, tables, team
from store.database import Database
from tests.fakes.floor import Floor, opened, signup, working

MANY, FEW = 40, 6


@pytest.fixture
def office(tmp_path: Path, sqlite_template: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Floor]:
    """Monday morning, and nobody there yet."""
    path = tmp_path / "stageplay.db"
    shutil.copy(sqlite_template, path)
    monkeypatch.setenv("STAGEPLAY_DATABASE_URL", f"sqlite:///{path}")
    with working(path, tmp_path / "playbooks") as floor:
        yield floor


@pytest.fixture
def floor(office: Floor) -> Floor:
    return opened(office, FEW)


def ics(entry: outbox.Entry) -> dict[str, str]:
    """What a calendar object says: UID, SEQUENCE, METHOD, ORGANIZER, DTSTART, and LOCATION, empty where it has none."""
    text = str(entry.body["ics"]).replace("\r\n ", "")
    names = ("UID", "SEQUENCE", "METHOD", "DTSTART")
    found = {name: re.findall(rf"^{name}:(.*?)\r?$", text, re.MULTILINE)[0] for name in names}
    places = re.findall(r"^LOCATION:(.*?)\r?$", text, re.MULTILINE)
    return {
        **found,
        "LOCATION": "".join(places),
        "ORGANIZER": re.findall(r"^ORGANIZER.*mailto:(.*?)\r?$", text, re.MULTILINE)[0],
    }


def test_forty_accounts_change_hands_as_shown_and_go_back(office: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    floor = opened(office, MANY)
    capsys.readouterr()
    assert floor.open_of("mara") == (MANY, MANY, 2 * MANY)
    before, invited = floor.last(), {ics(one)["UID"]: ics(one) for one in floor.sent("invite")}
    assert len(invited) == 2 * MANY

    assert run(["reassign", "mara", "dana", "--reason", "parental leave", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (len(shown["customers"]), shown["handover"]) == (MANY, None)
    counted = {(one["approvals"], one["tasks"], one["meetings"]) for one in shown["customers"]}
    assert counted == {(1, 1, 2)}
    assert floor.open_of("mara") == (MANY, MANY, 2 * MANY)

    assert run(["reassign", "mara", "dana", "--reason", "parental leave", "--yes"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2].startswith("40 customers; 40 approvals, 40 tasks, 80 meetings move: done")
    assert said[-1] == "To take it back: stageplay reassign --undo 1 --yes"
    floor.work()
    assert floor.open_of("mara") == (0, 0, 0)
    assert floor.open_of("dana") == (MANY, MANY, 2 * MANY)

    updates = [one for one in floor.sent("invite", before) if ics(one)["METHOD"] == "REQUEST"]
    assert len(updates) == 2 * 2 * MANY
    for one in updates:
        new, old = ics(one), invited[ics(one)["UID"]]
        assert (old["SEQUENCE"], new["SEQUENCE"], new["ORGANIZER"]) == ("0", "1", "dana@stageplay.example.com")
        assert new["DTSTART"] == old["DTSTART"]
        assert (old["LOCATION"], new["LOCATION"]) == ("https://meet.example.com/mara", "https://meet.example.com/dana")
        assert "Please join here: https://meet.example.com/dana\n" in one.body["text"]
    taken_back = [one for one in floor.sent("invite", before) if ics(one)["METHOD"] == "CANCEL"]
    assert {one.to for one in taken_back} == {"mara@stageplay.example.com"}
    assert (len(taken_back), {ics(one)["SEQUENCE"] for one in taken_back}) == (2 * MANY, {"1"})
    assert {ics(one)["LOCATION"] for one in taken_back} == {""}
    cards = [one for one in floor.sent("card", before) if "is yours now" in one.subject]
    assert (len(cards), {one.to for one in cards}) == (MANY, {"Dana Whitfield"})

    assert run(["reassign", "--undo", "1", "--yes"]) == 0
    floor.work()
    assert floor.open_of("dana") == (0, 0, 0)
    assert floor.open_of("mara") == (MANY, MANY, 2 * MANY)
    back = [ics(one) for one in floor.sent("invite", updates[-1].id) if ics(one)["METHOD"] == "REQUEST"]
    assert {(one["SEQUENCE"], one["ORGANIZER"]) for one in back} == {("2", "mara@stageplay.example.com")}
    assert {one["LOCATION"] for one in back} == {"https://meet.example.com/mara"}
    assert run(["reassign", "--undo", "1", "--yes"]) == 0
    assert capsys.readouterr().out.endswith("Nothing is to be done.\n")


def test_whoever_takes_meetings_without_a_room_is_seen_to(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    before = floor.last()
    capsys.readouterr()
    assert run(["reassign", "mara", "omar"]) == 0
    loses = "Omar Nasser has no `meeting_url`: 12 meetings to come no longer say where to join; "
    assert f"{loses}add it to team.yaml and apply it first.\n" in capsys.readouterr().out
    assert run(["reassign", "mara", "omar", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["losing_place"] == [{"to": "omar", "meetings": 12}]
    assert run(["reassign", "mara", "omar", "--yes"]) == 0
    assert f"{loses}tell the guests, and add it to team.yaml.\n" in capsys.readouterr().out
    floor.work()
    updates = [one for one in floor.sent("invite", before) if ics(one)["METHOD"] == "REQUEST"]
    assert {ics(one)["LOCATION"] for one in updates} == {""}
    assert not any("meet.example.com" in one.body["text"] + one.body["html"] for one in updates)
    capsys.readouterr()
    assert run(["coverage"]) == 1
    said = (
        "Omar Nasser holds 12 meetings to come without a place: tell the guests, and add `meeting_url` to team.yaml\n"
    )
    assert said in capsys.readouterr().out


def test_a_place_that_meetings_keep_or_never_had_is_not_told_as_lost(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["reassign", "mara", "dana"]) == 0
    assert "meeting_url" not in capsys.readouterr().out
    assert run(["reassign", "mara", "omar", "--customer", "c01", "--yes"]) == 0
    floor.work()
    capsys.readouterr()
    assert run(["reassign", "omar", "ruth"]) == 0
    assert run(["reassign", "--undo", "1"]) == 0
    said = capsys.readouterr().out
    assert "2 meetings move" in said
    assert "meeting_url" not in said


def test_the_entitlement_and_the_reply_to_follow(floor: Floor) -> None:
    assert run(["reassign", "mara", "dana", "--yes"]) == 0
    floor.work()
    name = next(iter(floor.states))
    with floor.db.read() as c:
        (ask,) = pages.inbox_page(c, "dana").approvals[:1]
        assert ask.approval.asked == ("dana",)
        assert team.team_of(c, name)["csm"].id == "dana"
    before = floor.last()
    floor.move_to(datetime(2026, 3, 9, 8, 30, tzinfo=UTC))
    mails = floor.sent("email", before)
    assert len(mails) == FEW
    heads = [of_parts(one.body, one.subject) for one in mails]
    assert {(one.sender.name, one.reply_to.email) for one in heads} == {
        ("Dana Whitfield", "dana@stageplay.example.com")
    }


def test_without_a_name_the_rules_choose_and_nobody_gets_all(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reassign", "mara", "--segment", "customer.tier == 'pro'", "--yes"]) == 0
    floor.work()
    with floor.db.read() as c:
        found = {line.person.id: line.accounts for line in books.read(c).lines}
    assert found["dana"] + found["omar"] == FEW
    assert found["dana"] < found["omar"], "dana's full book is smaller"
    assert "why: has" in capsys.readouterr().out


def test_a_kill_costs_nothing_and_nothing_is_done_twice(
    floor: Floor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Killed(BaseException):
        pass

    left = iter([0, 0])
    tell = handing.tell_some
    monkeypatch.setattr(handing, "BATCH", 2)

    def dies(*arguments: Any) -> int | None:
        if next(left, None) is None:
            raise Killed
        return tell(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(handing, "tell_some", dies)
        with pytest.raises(Killed):
            run(["reassign", "mara", "dana", "--yes"])
    with floor.db.read() as c:
        assert handing.told(c, 1) == {"told": 4, "": 2}
    capsys.readouterr()
    assert run(["coverage"]) == 1
    assert "handing over from mara was interrupted: `stageplay reassign mara --yes` goes on" in capsys.readouterr().out
    assert run(["reassign", "mara", "dana", "--yes"]) == 0
    with floor.db.read() as c:
        assert handing.told(c, 1) == {"told": 6}
        assert handing.unfinished(c) == []
    floor.work()
    assert floor.open_of("dana") == (FEW, FEW, 2 * FEW)


def test_one_customer_and_what_somebody_changed_meanwhile_are_left_as_they_are(floor: Floor) -> None:
    assert run(["reassign", "mara", "dana", "--customer", "c01", "--yes"]) == 0
    with floor.db.begin() as c:
        parts = handing.plan(c, "mara", "omar", handing.of(c, "mara"))
        number = handing.begin(c, "mara", parts)
        changed = parts[0].customer
        team.give(c, changed, {"csm": "ruth"})
    carry_out(floor.db, number, "UTC", Console(stderr=True))
    with floor.db.read() as c:
        has = Counter(team.team_of(c, name)["csm"].id for name in floor.states)
        assert handing.told(c, number)["told"] >= FEW - 2
    assert has == {"omar": FEW - 2, "dana": 1, "ruth": 1}


def test_a_holiday_is_found_handed_to_the_stand_in_and_given_back(
    floor: Floor, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["coverage"]) == 1
    said = capsys.readouterr().out
    assert "Mara Lindqvist has 6 customers; a full book is 3-4" in said
    assert "`stageplay reassign mara dana --until 2026-03-13`" in said
    assert run(["reassign", "mara", "--until", "2026-03-13", "--yes"]) == 0
    with floor.db.read() as c:
        assert {team.team_of(c, name)["csm"].id for name in floor.states} == {"dana"}
    floor.clock.move_to(datetime(2026, 3, 14, 8, tzinfo=UTC))
    capsys.readouterr()
    assert run(["coverage", "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert "the absence of mara is over: `stageplay reassign --undo 1 --yes`" in found["findings"]
    rows = {row["teammate"]: row for row in found["teammates"]}
    assert (rows["dana"]["customers"], rows["dana"]["over"], rows["dana"]["load_percent"]) == (6, True, 150)
    assert rows["dana"]["arr"] == 6 * 12_000


def test_the_gateway_gives_back_what_was_handed_over_for_a_time(floor: Floor) -> None:
    assert run(["reassign", "mara", "--until", "2026-03-13", "--yes"]) == 0
    assert give_back(floor.db) == []
    floor.clock.move_to(datetime(2026, 3, 14, 0, 1, tzinfo=UTC))
    assert (give_back(floor.db), give_back(floor.db)) == ([1], [])
    with floor.db.read() as c:
        assert {team.team_of(c, name)["csm"].id for name in floor.states} == {"mara"}
        assert [item.undoes for item in (handing.get(c, 1), handing.get(c, 2)) if item] == [None, 1]


def test_the_gateway_gives_the_rest_back_that_a_killed_one_had_begun_to(floor: Floor) -> None:
    assert run(["reassign", "mara", "--until", "2026-03-13", "--yes"]) == 0
    floor.clock.move_to(datetime(2026, 3, 14, 0, 1, tzinfo=UTC))
    with floor.db.begin() as c:
        handing.begin(c, "mara", handing.undoing(c, 1), reason="mara is back", undoes=1)
    assert (give_back(floor.db), give_back(floor.db)) == ([1], [])
    with floor.db.read() as c:
        assert {team.team_of(c, name)["csm"].id for name in floor.states} == {"mara"}
        assert handing.unfinished(c) == []


def test_what_was_handed_over_for_a_time_is_given_back_after_the_last_day_where_its_owner_is(floor: Floor) -> None:
    assert run(["reassign", "mara", "--until", "2026-03-13", "--yes"]) == 0
    with floor.db.begin() as c:
        c.execute(update(tables.teammates).where(tables.teammates.c.id == "mara").values(zone="America/Los_Angeles"))
    floor.clock.move_to(datetime(2026, 3, 14, 6, 59, tzinfo=UTC))
    assert give_back(floor.db) == []
    floor.clock.move_to(datetime(2026, 3, 14, 7, 1, tzinfo=UTC))
    assert give_back(floor.db) == [1]


def test_who_left_the_team_is_found_and_can_hand_over(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    with floor.db.begin() as c:
        c.execute(update(tables.teammates).where(tables.teammates.c.id == "mara").values(active=False))
    assert run(["coverage"]) == 1
    assert "Mara Lindqvist has left and still has 6 customers: `stageplay reassign mara`" in capsys.readouterr().out
    assert run(["reassign", "dana", "mara"]) == 2
    assert "Mara Lindqvist is not on the team any more" in capsys.readouterr().err
    assert run(["reassign", "mara", "omar", "--yes"]) == 0
    capsys.readouterr()
    assert run(["coverage"]) == 0
    assert "Mara" not in capsys.readouterr().out


def test_a_customer_whom_nobody_looks_after_is_named(floor: Floor, capsys: pytest.CaptureFixture[str]) -> None:
    with floor.db.begin() as c:
        name = next(iter(floor.states))
        c.execute(tables.assignments.delete().where(tables.assignments.c.customer == name))
    run(["coverage"])
    assert "Customer c" in (said := capsys.readouterr().out)
    assert "has no CSM" in said


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "say who hands over"),
        (["mara", "--undo", "1"], "say who hands over"),
        (["--undo", "1", "--until", "2026-03-13"], "--undo takes all of a handover back"),
        (["--undo", "7"], "there is no handover 7"),
        (["mara", "mara"], "nobody hands over to themselves"),
        (["mraa"], 'nobody on the team is "mraa"'),
        (["mara", "--until", "soon"], '"soon" is not a date'),
        (["mara", "--until", "2020-01-31"], "2020-01-31 is over; --until is the last day of an absence"),
        (["mara", "--segment", "odd =="], "--segment"),
    ],
)
def test_misuse_says_what_to_write(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["reassign", *arguments]) == 2
    assert says in capsys.readouterr().err


def test_a_new_customer_goes_to_whoever_has_room_and_the_trace_says_why(floor: Floor) -> None:
    Intake(floor.db, Lifecycles(), allow_rehearsal=False).take(signup("new", csm=""))
    floor.work()
    with floor.db.read() as c:
        found = c.execute(select(tables.customers.c.id).where(tables.customers.c.outer_id == "new")).scalar_one()
        assert team.team_of(c, found)["csm"].id == "dana"
    said = [item.reason for item in floor.states[found].records if item.what == "team"]
    said = said or [row.reason for row in _decisions(floor.db, found) if row.what == "team"]
    assert said[0].startswith("csm dana: has 0 of 3-4 accounts; nobody takes ae (founder ruth), ")


def _decisions(db: Database, customer: str) -> list[Any]:
    with db.read() as c:
        return list(c.execute(select(tables.decisions).where(tables.decisions.c.customer == customer)))
