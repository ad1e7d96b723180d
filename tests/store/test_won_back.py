"""Who left and came back, and how far win-back succeeds: by group, and only with those with whom it is decided."""

from datetime import UTC, date, datetime, timedelta

import pytest

from lifecycle import trace
from lifecycle.model import Clock, Decision, Profile
from store import customers, facts, projections, tables, won_back
from store.database import Database
from store.won_back import Left, Success

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
LATER = AT + timedelta(days=365)


def lived(db: Database, name: str, *moves: tuple[int, str], tier: str = "pro", rehearsal: bool = False) -> str:
    """A customer with moves of its stage: so many days after `AT`, to which one."""
    with db.begin() as c:
        made, _ = customers.create(
            c,
            outer_id=name,
            name=name,
            profile=Profile("UTC", date(2026, 3, 2), tier=tier),
            clock=Clock(AT, AT, 20_000.0) if rehearsal else Clock(AT, AT),
            contacts=[],
            team={},
        )
        summary = {"stage": "adoption", "band": "", "tier": tier, "overdue": False, "held": "", "catalogue": ""}
        told = [
            Decision(AT + timedelta(days=day), "standard", "0" * 16, 0, stage, "stage", "fired", "moved")
            for day, stage in moves
        ]
        batch = {"customer": made.id, "number": 1, "decisions": [trace.to_row(item) for item in told], "log": "1"}
        batch |= {"summary": {**summary, "as_of": None, "next_due": None}, "snapshot": {}}
        projections.store_batch(c, batch, lambda item: item.playbook)
    return made.id


def success(db: Database, by: str = "tier", since: datetime = AT) -> tuple[Success, ...]:
    with db.read() as c:
        return won_back.success(won_back.read(c, by, since, LATER), LATER)


def test_success_is_told_by_group_and_of_all(database: Database) -> None:
    lived(database, "a", (0, "new"), (100, "churned"), (120, "onboarding"))
    lived(database, "b", (0, "new"), (100, "churned"), (110, "win_back"), (140, "adoption"))
    lived(database, "c", (0, "new"), (100, "churned"))
    lived(database, "d", (0, "new"), (340, "churned"))
    lived(database, "e", (0, "new"), (100, "churned"), tier="team")
    lived(database, "f", (0, "new"), (30, "adoption"))
    found = success(database)
    assert found == (Success("pro", 4, 2, 1, 30), Success("team", 1, 0, 0, None), Success("all", 5, 2, 1, 30))
    assert [item.percent for item in found] == [67, 0, 50]


def test_whom_win_back_still_tries_is_no_failure(database: Database) -> None:
    lived(database, "a", (0, "new"), (306, "churned"))
    (pro, _) = success(database)
    assert (pro.trying, pro.percent) == (1, None)
    lived(database, "b", (0, "new"), (305, "churned"))
    (pro, _) = success(database)
    assert (pro.left, pro.trying, pro.percent) == (2, 1, 0)


def test_one_who_leaves_twice_counts_twice(database: Database) -> None:
    made = lived(database, "a", (0, "new"), (50, "churned"), (60, "onboarding"), (200, "churned"))
    day = timedelta(days=1)
    with database.read() as c:
        found = won_back.read(c, "tier", AT, LATER)
    assert found == (
        Left(made, "pro", AT + 50 * day, AT + 60 * day),
        Left(made, "pro", AT + 200 * day, None),
    )
    assert success(database, since=AT + 100 * day)[0].left == 1


def test_who_was_placed_outside_was_merged_or_is_rehearsed_has_not_left(database: Database) -> None:
    lived(database, "placed", (0, "churned"), (10, "onboarding"))
    lived(database, "rehearsed", (0, "new"), (10, "churned"), rehearsal=True)
    merged, into = lived(database, "merged", (0, "new"), (10, "churned")), lived(database, "into", (0, "new"))
    with database.begin() as c:
        c.execute(tables.customers.update().where(tables.customers.c.id == merged).values(merged_into=into))
    assert success(database) == ()


@pytest.mark.parametrize(
    ("by", "groups"),
    [("reason", ["not known", "too_expensive", "all"]), ("segment", ["not known", "all"]), ("touch", ["low", "all"])],
)
def test_groups_are_what_the_profile_or_the_exit_survey_says(database: Database, by: str, groups: list[str]) -> None:
    lived(database, "a", (0, "new"), (50, "churned"))
    told = lived(database, "b", (0, "new"), (50, "churned"))
    with database.begin() as c:
        facts.told(c, told, {"exit.reason": "too_expensive"})
    assert [item.group for item in success(database, by)] == groups
