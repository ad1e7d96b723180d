"""Whose zone a playbook tells the time in, asked by the core and by whoever shows or writes a text."""

import pytest

from lifecycle import people
from lifecycle.model import Teammate
from lifecycle.playbook import Lifecycle

LIFE = Lifecycle("standard", "Standard", (), "life.yaml", roles={"onboarding": ("csm",)}, default_zone="Europe/Paris")
TEAM = {"csm": Teammate("mia", "Asia/Tokyo"), "sales": Teammate("sam", "")}


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        pytest.param("customer", "America/Lima", id="customer"),
        pytest.param("csm", "Asia/Tokyo", id="teammate"),
        pytest.param("onboarding", "Asia/Tokyo", id="whoever-stands-in"),
        pytest.param("sales", "Europe/Paris", id="a-teammate-without-a-zone-has-the-company-s"),
        pytest.param("CET", "CET", id="named"),
        pytest.param("ops", "America/Lima", id="nobody"),
    ],
)
def test_a_playbook_tells_the_time_in_the_zone_that_it_names(written: str, zone: str) -> None:
    assert people.zone_of(written, "America/Lima", TEAM, LIFE) == zone


def test_without_a_lifecycle_nobody_stands_in_for_a_role() -> None:
    found = [people.zone_of(written, "America/Lima", TEAM, None) for written in ("csm", "onboarding", "sales")]

    assert found == ["Asia/Tokyo", "America/Lima", "America/Lima"]
