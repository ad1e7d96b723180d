"""How many customers reach what their journey wants of them in time, against how many should."""

from datetime import UTC, date, datetime, timedelta

from freezegun import freeze_time

from lifecycle import trace
from lifecycle.model import Clock, Decision, Profile, Verdict
from lifecycle.playbook import Course, Lifecycle, Milestone, Target
from store import customers, projections, reached, tables
from store.database import Database
from store.reached import Reached

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
LIFE = Lifecycle(
    "standard",
    "Standard",
    (),
    "lifecycle.yaml",
    milestones={"activated": Milestone("Activated"), "kickoff": Milestone("Kickoff")},
    journeys={"self-serve": Course("S", (), (Target("kickoff", 7), Target("activated", 30, share=40)))},
)
Told = tuple[str, str, Verdict]
MISSED: Told = ("activated", "milestone", "waiting")
LEFT: Told = ("churned", "stage", "fired")
BACK: Told = ("value", "stage", "fired")


def lived(
    db: Database,
    name: str,
    *told: tuple[int, Told],
    journey: str = "self-serve",
    came: int = 0,
    factor: float = 1.0,
) -> str:
    """A customer that signed up on `AT`'s day, came here so many days later, and of whom this was decided on days."""
    with freeze_time(AT + came * DAY), db.begin() as c:
        made, _ = customers.create(
            c,
            outer_id=name,
            name=name,
            profile=Profile("Europe/Berlin", date(2026, 3, 2), journey=journey),
            clock=Clock(AT, AT, factor),
            contacts=[],
            team={},
        )
        rows = [
            trace.to_row(Decision(AT + day * DAY, "self-serve", "0" * 16, 0, step, what, verdict, "so"))
            for day, (step, what, verdict) in told
        ]
        summary = {"stage": "adoption", "band": "", "tier": "team", "overdue": False, "held": "", "catalogue": ""}
        batch = {"customer": made.id, "number": 1, "decisions": rows, "log": "1", "snapshot": {}}
        batch |= {"summary": {**summary, "as_of": None, "next_due": None}}
        projections.store_batch(c, batch, lambda item: item.playbook)
    return made.id


def read(db: Database, days: int = 60, since: int = 0) -> tuple[Reached, ...]:
    with db.read() as c:
        return reached.read(c, LIFE, AT + since * DAY, AT + days * DAY)


def test_a_share_is_of_those_whose_day_is_over(database: Database) -> None:
    lived(database, "a")
    lived(database, "b")
    lived(database, "c", (31, MISSED))
    lived(database, "d", journey="standard")
    assert read(database) == (Reached("self-serve", "activated", "Activated", 30, 40, 3, 2),)
    assert read(database)[0].percent == 67
    assert read(database, days=30) == (Reached("self-serve", "activated", "Activated", 30, 40, 0, 0),)
    assert read(database, days=30)[0].percent is None
    assert read(database, since=40)[0].customers == 0


def test_who_had_left_by_then_has_not_reached_it(database: Database) -> None:
    lived(database, "left", (10, LEFT))
    lived(database, "left-later", (40, LEFT))
    lived(database, "back", (10, LEFT), (20, BACK))
    (found,) = read(database)
    assert (found.customers, found.reached) == (3, 2)


def test_who_came_later_was_merged_or_is_rehearsed_does_not_count(database: Database) -> None:
    lived(database, "imported", came=45)
    lived(database, "rehearsed", factor=20_000.0)
    merged, into = lived(database, "merged"), lived(database, "into")
    with database.begin() as c:
        c.execute(tables.customers.update().where(tables.customers.c.id == merged).values(merged_into=into))
    assert read(database)[0].customers == 1
