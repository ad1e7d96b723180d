"""The people file: whom everybody looks after, and what is wrong with it; the sample teams that ship."""

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from authoring.compile import compile_folder
from authoring.diagnostics import Report
from authoring.scenario_file import load_customer
from authoring.source import parse
from authoring.team import Team, compile_team
from lifecycle.model import Profile
from lifecycle.playbook import Lifecycle
from lifecycle.staffing import Away, Cover, RoleRule, Span, Staff, book

ROOT = Path(__file__).parents[2]
START = datetime(2026, 3, 2, 10)  # noqa: DTZ001 - local, as `load_customer` wants it
PERSON = "id: m, name: M, email: m@stageplay.example.com, roles: [founder, csm]"
OTHER = "{ id: o, name: O, email: o@stageplay.example.com, roles: [csm] }"


@pytest.fixture(scope="module")
def standard() -> Lifecycle:
    compiled = compile_folder(ROOT / "playbooks", ROOT / "templates")
    return next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))


def read(text: str, lifecycle: Lifecycle | None) -> tuple[Team, list[str]]:
    report = Report()
    team = compile_team(parse(text, "team.yaml", report), lifecycle, report)
    assert team
    return team, [item.what for item in report.sorted()]


def test_a_person_says_whom_they_look_after(standard: Lifecycle) -> None:
    text = f"""people:
  - {{ {PERSON}, tiers: [enterprise], touch: [high, mid], serves: customer.arr > 100000, skills: [german],
      capacity: {{ accounts: 20-30 }}, leaves: 2026-12-31,
      away: [{{ from: 2026-07-06, until: 2026-07-24, stand_in: o }}] }}
  - {OTHER}
roles: {{ csm: {{ for: customer.tier != 'self-serve', accounts: 100+ }}, tam: {{ accounts: 7, first_days: 90 }} }}
skills: {{ german: customer.country == 'DE' }}
"""
    team, found = read(text, standard)
    assert found == []
    cover = team.people[0].cover
    assert cover.serves
    assert (cover.serves.text, cover.accounts) == ("customer.arr > 100000", Span(20, 30))
    assert (cover.tiers, cover.touch, cover.skills) == (("enterprise",), ("high", "mid"), ("german",))
    assert (cover.away, cover.leaves) == ((Away(date(2026, 7, 6), date(2026, 7, 24), "o"),), date(2026, 12, 31))
    assert team.people[1].cover == Cover()
    csm = team.policy.roles["csm"]
    assert csm.customers
    assert (csm.customers.text, csm.accounts) == ("customer.tier != 'self-serve'", Span(100))
    assert team.policy.roles["tam"] == RoleRule(None, Span(7, 7), 90)
    assert [*team.policy.skills] == ["german"]


@pytest.mark.parametrize(
    ("person", "whole", "what"),
    [
        ("touch: [hgih]", "", 'no touch model is called "hgih"'),
        ("skills: [german]", "", 'no skill is called "german"'),
        ("skills: [germn]", "skills: { german: customer.country == 'DE' }", 'no skill is called "germn"'),
        ("serves: nps.score > 8", "", 'nothing is called "nps.score"'),
        ("serves: customer.stage == 'new'", "", 'nothing is called "customer.stage"'),
        ("capacity: { accounts: many }", "", '"many" is no number of customers'),
        ("capacity: { accounts: 30-20 }", "", "a full book has at least one customer"),
        ("capacity: { accounts: 0 }", "", "a full book has at least one customer"),
        ("away: soon", "", '"away" is "soon", not a list'),
        ("away: [soon]", "", 'an absence is "soon", not a mapping'),
        ("away: [{ from: 2026-07-06 }]", "", 'an absence has no "until"'),
        ("away: [{ from: 2026-07-06, until: 2026-07-05 }]", "", "an absence ends before it begins, or a year later"),
        ("away: [{ from: 2026-07-06, until: 2026-07-07, stand_in: m }]", "", 'nobody else of the team is called "m"'),
        ("leaves: soon", "", '"soon" is not a date'),
        ("zone: UTC", "roles: [csm]", '"roles" is a list, not a mapping'),
        ("zone: UTC", "roles: { csm: 30 }", '"csm" is "30", not a mapping'),
        ("zone: UTC", "roles: { csn: { accounts: 30 } }", 'no role is called "csn"'),
        ("zone: UTC", "roles: { csm: { first_days: 0 } }", "not a whole number from 1 to 3650"),
        ("zone: UTC", "skills: [german]", '"skills" is a list, not a mapping'),
        ("zone: UTC", "skills: { german: [] }", '"german" is a list'),
    ],
)
def test_what_is_wrong_with_it_is_said_once(standard: Lifecycle, person: str, whole: str, what: str) -> None:
    _, found = read(f"people: [{{ {PERSON}, {person} }}, {OTHER}]\n{whole}\n", standard)
    assert len(found) == 1
    assert what in found[0]


@pytest.mark.parametrize(
    "url",
    [
        "https://meet.example.com/mara",
        "https://meet.example.com",
        "https://example.zoom.example.com:8443/j/5551112222?pwd=aB3.x&uname=a%20b#success",
        "https://teams.example.com/l/meetup-join/19%3ameeting_x%40thread.v2/0?context=%7b%22Tid%22%3a%221%22%7d",
    ],
)
def test_a_person_has_a_meeting_room(standard: Lifecycle, url: str) -> None:
    team, found = read(f"people: [{{ {PERSON}, meeting_url: '{url}' }}, {OTHER}]\n", standard)
    assert found == []
    assert [person.meeting_url for person in team.people] == [url, ""]


@pytest.mark.parametrize(
    "url",
    [
        "http://meet.example.com/mara",
        "meet.example.com/mara",
        "HTTPS://meet.example.com/mara",
        "https://meet/mara",
        "https://mara@meet.example.com/",
        "https://meet.example.com/my room",
        "https://meet.example.com/(mara)",
        "https://meet.example.com/mara.",
        "https://meet.example.com/søn",
        "https://meet.example.com/<b>",
        "javascript:alert(1)",
        f"https://meet.example.com/{'m' * 1000}",
    ],
)
def test_a_meeting_room_is_a_link_that_every_mail_shows_alike(standard: Lifecycle, url: str) -> None:
    report = Report()
    text = f"people:\n  - {OTHER}\n  - {{ {PERSON}, meeting_url: '{url}' }}\n"
    team = compile_team(parse(text, "team.yaml", report), standard, report)
    assert team
    assert team.people[1].meeting_url == ""
    (finding,) = report.sorted()
    assert (finding.rule, finding.place.line) == ("value", 3)
    assert finding.what == "this is not the https URL of a meeting room"


def test_without_a_lifecycle_only_what_hangs_on_none_is_judged() -> None:
    text = f"people: [{{ {PERSON}, touch: [odd] }}]\nroles: {{ odd: {{ accounts: 3 }} }}\n"
    assert read(text, None)[1] == []


@pytest.mark.parametrize(
    ("size", "most"), [("generalist", 50), ("segments", 75), ("specialists", 200), ("strategic", 200)]
)
def test_the_sample_teams_fill_every_role_and_give_every_customer_somebody(
    standard: Lifecycle, size: str, most: int
) -> None:
    team, found = read((ROOT / "samples" / "teams" / f"{size}.yaml").read_text(encoding="utf-8"), standard)
    assert found == []
    assert max(book(person, team.policy).most for person in team.people) == most
    staff = Staff(team.people, standard.roles, team.policy, date(2026, 3, 2))
    for tier in ("team", "pro", "enterprise"):
        for arr in (0, 15_000, 50_000, 250_000):
            profile = Profile("Europe/Berlin", date(2026, 3, 2), tier=tier, touch=standard.touch_for(arr), arr=arr)
            chosen = staff.assign(profile, {})
            assert "stands in" not in chosen["csm"].why
            assert {*standard.roles} - {*chosen} <= {"tam"}
    assert "csm" not in staff.assign(Profile("UTC", date(2026, 3, 2), tier="self-serve", arr=10**6), {})


@pytest.fixture(scope="module")
def chosen(standard: Lifecycle) -> Any:
    """Who takes which role at a customer of a size of company, with nobody busy."""

    def choose(size: str, **fields: Any) -> dict[str, str]:
        team, _ = read((ROOT / "samples" / "teams" / f"{size}.yaml").read_text(encoding="utf-8"), standard)
        profile = Profile("Europe/Berlin", date(2026, 3, 2), **fields)
        found = Staff(team.people, standard.roles, team.policy, date(2026, 3, 2)).assign(profile, {})
        return {role: one.person for role, one in found.items()}

    return choose


def test_a_small_company_has_generalists_for_everybody(chosen: Any) -> None:
    assert {chosen("generalist", tier=tier, country="US")["csm"] for tier in ("team", "pro", "enterprise")} == {"dana"}
    assert chosen("generalist", tier="team", country="AT")["csm"] == "mara"


def test_a_company_with_segments_gives_by_tier(chosen: Any) -> None:
    assert [chosen("segments", tier=tier)["csm"] for tier in ("enterprise", "pro", "team")] == ["dana", "lena", "ines"]


def test_specialists_take_customers_by_arr_with_a_tam_above_100k(chosen: Any) -> None:
    found = {arr: chosen("specialists", arr=arr) for arr in (100_001, 100_000, 20_000, 19_999)}
    assert [found[arr]["csm"] for arr in found] == ["dana", "lena", "lena", "ines"]
    assert [found[arr].get("tam") for arr in found] == ["kofi", None, None, None]


def test_strategic_accounts_have_people_of_their_own(chosen: Any) -> None:
    assert chosen("strategic", segment="strategic", touch="high", arr=10**6)["csm"] == "dana"
    assert [chosen("strategic", touch=touch)["csm"] for touch in ("high", "mid", "low")] == ["lena", "yuki", "ines"]


def test_a_role_that_a_scenario_leaves_vacant_is_one_of_the_lifecycles(standard: Lifecycle) -> None:
    signup, found = load_customer("name: Acme\nvacant: [csm, ae]\n", "customer.yaml", START, standard)
    assert (found, signup and {*standard.roles} - {*signup.team}) == ((), {"csm", "ae"})
    _, (wrong,) = load_customer("name: Acme\nvacant: csn\n", "customer.yaml", START, standard)
    assert (wrong.rule, wrong.what) == ("unknown-role", 'no role is called "csn"')


def test_a_simulated_customer_gets_a_person_of_the_team_file(theatre: Any) -> None:
    (start,) = theatre.starts()
    assert start.signup
    assert start.signup.team
