"""What steps, roles, playbooks and zones are called in front of people."""

import pytest

from activities.scene import zone_of
from activities.variables import title_of


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("setup-guide", "Setup guide"),
        ("cs_manager", "CS manager"),
        ("ebr", "EBR"),
        ("qbr-preparation", "QBR preparation"),
        ("support-p1", "Support P1"),
        ("", ""),
    ],
)
def test_a_name_is_written_as_people_write_it(name: str, title: str) -> None:
    assert title_of(name) == title


@pytest.mark.parametrize(
    ("zone", "said"),
    [
        ("Europe/Berlin", "Berlin time"),
        ("America/New_York", "New York time"),
        ("America/Argentina/Buenos_Aires", "Buenos Aires time"),
        ("UTC", "UTC"),
        ("Etc/GMT+5", "Etc/GMT+5"),
    ],
)
def test_a_zone_is_named_as_people_say_it(zone: str, said: str) -> None:
    assert zone_of(zone) == said
