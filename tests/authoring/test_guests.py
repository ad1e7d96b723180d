"""Customer files as signups: who is there, under which addresses, or what is wrong."""

from datetime import datetime

from authoring.diagnostics import render_text
from authoring.guests import load_guest
from lifecycle.playbook import Lifecycle

START = datetime(2026, 3, 2, 10)  # noqa: DTZ001 - the local time of the signup, as it is written


def test_one_address_is_one_person_with_all_its_roles(lifecycle: Lifecycle) -> None:
    text = "name: Acme\nchampion: Ada@acme.example.com\nadmin: ada@acme.example.com\nbilling: bo@acme.example.com\n"
    guest, found = load_guest(text, "customer.yaml", START, lifecycle)

    assert not found
    assert guest is not None
    assert guest.name == "Acme"
    assert guest.people == {"ada@acme.example.com": ("champion", "admin"), "bo@acme.example.com": ("billing",)}
    assert guest.signup.profile.zone == lifecycle.default_zone


def test_a_file_with_a_mistake_is_nobody(lifecycle: Lifecycle) -> None:
    guest, found = load_guest("name: Acme\nteir: pro\n", "customer.yaml", START, lifecycle)

    assert guest is None
    assert 'has no key "teir"' in render_text(found)
