"""What steps, roles and playbooks are called in front of people."""

import pytest

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
