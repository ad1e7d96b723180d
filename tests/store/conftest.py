"""A team and a customer to work with, on each database in turn."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory

from lifecycle.model import Clock, Profile
from store import customers
from store.customers import Customer, NewContact
from store.database import Database
from store.team import Person, save_team

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def team(database: Database) -> tuple[Person, ...]:
    people = (
        Person("mara", "Mara", "mara@stageplay.example.com", ("csm",), zone="Europe/Berlin", slack="U0MARA"),
        Person("omar", "Omar", "omar@stageplay.example.com", ("csm", "implementation_specialist"), zone="UTC"),
        Person("fay", "Fay", "fay@stageplay.example.com", ("founder",), zone="UTC"),
    )
    chains = {"csm": ("founder",), "implementation_specialist": ("csm",), "cs_manager": ("head_of_cs", "founder")}
    with database.begin() as c:
        save_team(c, people, chains)
    return people


@pytest.fixture
def customer(database: Database, team: tuple[Person, ...]) -> Customer:
    with database.begin() as c:
        made, _ = customers.create(
            c,
            outer_id="acme-1",
            name="Acme",
            profile=Profile("Europe/Berlin", date(2026, 3, 2), tier="pro"),
            clock=Clock(AT, AT),
            contacts=[NewContact("ada@acme.example.com", "Ada", ("champion",))],
            team={"csm": team[0]},
        )
    return made


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    """Real time stands still at `AT` and moves by `clock.tick`."""
    with freeze_time(AT) as frozen:
        assert isinstance(frozen, FrozenDateTimeFactory)
        yield frozen
