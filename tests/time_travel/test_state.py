"""How much the core remembers of one customer, with the shipped onboarding running and every role filled."""

from datetime import UTC, date, datetime, timedelta

from authoring.compile import Compiled
from authoring.simulate import Library, simulate
from lifecycle.jsonform import canonical
from lifecycle.messages import Happened, SignedUp
from lifecycle.model import Contact, Profile, Teammate, state_to_json

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_the_state_stays_within_2_kb_on_every_day_of_the_shipped_onboarding(compiled: Compiled) -> None:
    library = Library(compiled.releases)
    assert compiled.catalogue is not None
    roles = library.lifecycle(compiled.catalogue.lifecycle).roles
    people = ("mara", "ivo", "priya", "ruth")
    team = {role: Teammate(people[place % 4], "Europe/Berlin") for place, role in enumerate(roles)}
    contacts = (Contact("con_1a2b3c4d", ("champion",)), Contact("con_5e6f7a8b", ("admin",)))
    signup = SignedUp(Profile("Europe/Berlin", date(2026, 3, 2), tier="enterprise", touch="high"), contacts, team)
    events = [
        (START + timedelta(hours=3), Happened("access.given")),
        (START + timedelta(days=4), Happened("api.connected")),
    ]
    sizes = {}
    for day in range(1, 22):
        until = START + timedelta(days=day)
        told = [event for event in events if event[0] <= until]
        state = simulate(library, compiled.digest, signup, START, told, until, customer="cus_0123456789ab").state
        sizes[day] = len(canonical(state_to_json(state)).encode())
    assert max(sizes.values()) <= 2048, sizes
