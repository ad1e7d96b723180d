"""Who is given a new customer: by what they serve, by skill, by room; else along the chain. Row A8 of the domain."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lifecycle.actions import Expr
from lifecycle.model import Profile
from lifecycle.staffing import ANYBODY, Away, Choice, Cover, Policy, RoleRule, Span, Staff, book, load, told

DAY = date(2026, 3, 2)
PRO = Profile("Europe/Berlin", DAY, tier="pro", touch="mid", country="DE", arr=30_000)
CHAINS = {
    "csm": ("cs_manager", "founder"),
    "cs_associate": ("csm", "cs_manager", "founder"),
    "cs_manager": ("founder",),
    "tam": ("implementation_specialist", "csm", "founder"),
    "implementation_specialist": ("csm", "founder"),
    "founder": (),
}
GERMAN = Expr("customer.country == 'DE'", ("==", ("get", "customer.country"), ("const", "DE")))
NOT_SELF_SERVE = Expr("customer.tier != 'self-serve'", ("!=", ("get", "customer.tier"), ("const", "self-serve")))
LARGE = Expr("customer.arr > 100000", (">", ("get", "customer.arr"), ("const", 100_000)))


@dataclass(frozen=True)
class One:
    """A teammate."""

    id: str
    roles: tuple[str, ...] = ("csm",)
    cover: Cover = ANYBODY
    name: str = ""


def staff(*people: One, policy: Policy | None = None) -> Staff:
    boss = One("ruth", ("founder",), name="Ruth")
    return Staff((*people, boss), CHAINS, policy or Policy(), DAY)


def chosen(team: Staff, profile: Profile = PRO, **loads: int) -> dict[str, str]:
    counted = {("csm", name): n for name, n in loads.items()}
    return {role: found.person for role, found in team.assign(profile, counted).items()}


def test_a_customer_goes_to_whoever_serves_its_tier() -> None:
    pro, big = One("omar", cover=Cover(tiers=("pro",))), One("mara", cover=Cover(tiers=("enterprise",)))
    team = staff(big, pro)
    assert chosen(team, omar=40)["csm"] == "omar"
    assert chosen(team, replace(PRO, tier="enterprise"))["csm"] == "mara"


def test_whoever_names_the_tier_comes_before_whoever_serves_anybody() -> None:
    assert chosen(staff(One("ada"), One("omar", cover=Cover(tiers=("pro",)))), omar=70)["csm"] == "omar"


def test_a_team_may_say_touch_or_arr_in_place_of_the_tier() -> None:
    low, large = One("ines", cover=Cover(touch=("low",))), One("mara", cover=Cover(serves=LARGE))
    mid = One("omar", cover=Cover(touch=("mid",)))
    team = staff(low, large, mid)
    assert chosen(team)["csm"] == "omar"
    assert chosen(team, replace(PRO, touch="low"))["csm"] == "ines"
    assert chosen(team, replace(PRO, touch="high", arr=100_001))["csm"] == "mara"


def test_a_skill_that_the_customer_needs_comes_before_room() -> None:
    policy = Policy(skills={"german": GERMAN})
    team = staff(One("ada"), One("omar", cover=Cover(skills=("german",))), policy=policy)
    assert chosen(team, omar=30)["csm"] == "omar"
    assert chosen(team, replace(PRO, country="US"), omar=30)["csm"] == "ada"


def test_the_one_with_most_room_is_chosen_and_of_two_alike_the_first_by_name() -> None:
    small, large = (Cover(accounts=Span(20, 30)), Cover(accounts=Span(50, 75)))
    team = staff(One("ada", cover=small), One("omar", cover=large))
    assert chosen(team, ada=15, omar=37)["csm"] == "omar"
    assert chosen(team, ada=14, omar=36)["csm"] == "ada"
    alike = staff(One("a", name="Zoe"), One("z", name="Ada"))
    assert chosen(alike)["csm"] == "z"


def test_self_serve_has_no_csm() -> None:
    policy = Policy({"csm": RoleRule(NOT_SELF_SERVE), "tam": RoleRule(LARGE)})
    team = staff(One("omar"), One("priya", ("cs_manager",)), One("kofi", ("tam",)), policy=policy)
    found = chosen(team, replace(PRO, tier="self-serve", arr=500_000))
    assert "csm" not in found
    assert (found["cs_associate"], found["tam"]) == ("priya", "kofi")
    assert "tam" not in chosen(team)


def test_a_vacant_role_goes_to_who_has_the_next_one_for_this_customer() -> None:
    found = staff(One("ada"), One("omar")).assign(PRO, {("csm", "ada"): 9})
    assert (found["csm"].person, found["cs_associate"].person) == ("omar", "omar")
    assert found["cs_associate"].why == "nobody takes cs_associate; csm stands in"
    assert found["cs_manager"].person == "ruth"


def test_vacant_roles_are_told_together_and_last() -> None:
    found = staff(One("ada"), One("omar")).assign(PRO, {("csm", "ada"): 9})
    assert told(found).startswith("csm omar: has 0 accounts; nobody takes cs_associate (csm omar), ")
    assert (
        told({"ae": Choice("ruth", "nobody else takes ae"), "csm": Choice("ada", "")})
        == "ae ruth: nobody else takes ae"
    )


def test_nobody_serves_the_customer_so_its_chain_stands_in() -> None:
    found = staff(One("mara", cover=Cover(tiers=("enterprise",)))).assign(PRO, {})
    assert (found["csm"].person, found["csm"].why) == ("ruth", "nobody takes csm; founder stands in")


@pytest.mark.parametrize("cover", [Cover(away=(Away(DAY, DAY),)), Cover(leaves=date(2026, 12, 31))])
def test_who_is_away_or_leaves_gets_no_new_customers(cover: Cover) -> None:
    assert chosen(staff(One("ada", cover=cover), One("omar")), omar=60)["csm"] == "omar"


def test_who_is_back_gets_customers_again() -> None:
    cover = Cover(away=(Away(date(2026, 2, 1), date(2026, 3, 1)),))
    assert chosen(staff(One("ada", cover=cover), One("omar")))["csm"] == "ada"


def test_the_stand_in_of_who_is_away_takes_their_place() -> None:
    away = Cover(away=(Away(DAY, DAY, "priya"),))
    found = staff(One("ada", cover=away), One("priya", ("cs_manager",))).assign(PRO, {})
    assert (found["csm"].person, found["csm"].why) == ("priya", "stands in for ada, who is away")
    gone = staff(One("ada", cover=Cover(away=(Away(DAY, DAY, "nobody"),)))).assign(PRO, {})
    assert gone["csm"].person == "ruth"
    others = staff(One("ada", cover=replace(away, tiers=("team",))), One("priya", ("cs_manager",))).assign(PRO, {})
    assert others["csm"].why == "nobody takes csm; cs_manager stands in"


def test_rather_somebody_who_is_away_than_nobody() -> None:
    alone = Staff((One("ada", cover=Cover(leaves=DAY)),), {"csm": (), "ae": ()}, Policy(), DAY)
    found = alone.assign(PRO, {})
    assert {role: (one.person, one.why) for role, one in found.items()} == {"csm": ("ada", "nobody else takes csm")}


def test_who_was_chosen_by_hand_stays() -> None:
    found = staff(One("ada"), One("omar")).assign(PRO, {}, given={"csm": "ruth"})
    assert found["csm"].person == found["implementation_specialist"].person == "ruth"


def test_who_hands_over_takes_nothing() -> None:
    found = staff(One("ada"), One("omar")).assign(PRO, {("csm", "omar"): 99}, without="ada")
    assert found["csm"].person == "omar"


def test_the_reason_says_what_decided() -> None:
    policy = Policy({"csm": RoleRule(accounts=Span(20, 50))}, {"german": GERMAN})
    cover = Cover(tiers=("pro",), touch=("mid",), serves=GERMAN, skills=("german",))
    found = staff(One("omar", cover=cover), policy=policy).assign(PRO, {("csm", "omar"): 3})
    serves = "serves tier pro, touch mid, customer.country == 'DE'"
    assert found["csm"].why == f"{serves}; skill german; has 3 of 50-75 accounts"
    assert told({"csm": found["csm"], "founder": found["founder"]}) == f"csm omar: {found['csm'].why}"
    two = staff(One("ada"), One("omar")).assign(PRO, {})
    assert two["csm"].why == "has 0 accounts"


def test_a_full_book_is_as_said_of_the_person_else_by_what_they_serve_else_of_the_role() -> None:
    policy = Policy({"csm": RoleRule(accounts=Span(20, 50)), "founder": RoleRule()})
    books = {
        "30": Cover(accounts=Span(30, 30), tiers=("pro",)),
        "100+": Cover(accounts=Span(100)),
        "20-30": Cover(tiers=("pro", "enterprise")),
        "50-75": Cover(tiers=("pro",)),
        "100-200": Cover(touch=("low",)),
        "50-100": Cover(touch=("mid",)),
        "20-50": Cover(touch=("high",)),
    }
    for said, cover in books.items():
        assert str(book(One("x", ("ae", "founder", "csm"), cover), policy)) == said
    assert str(book(One("x", cover=Cover(tiers=("odd",))), policy)) == "20-50"
    assert not book(One("x", ("founder",)), policy)
    assert [Span(20, 30).share(15), Span(100).share(50), Span().share(7)] == [0.5, 0.5, 7]


def test_a_load_is_that_of_the_role_of_their_own_in_which_they_have_most() -> None:
    loads = {("csm", "ada"): 3, ("tam", "ada"): 5, ("ae", "ada"): 9}
    assert load(One("ada", ("csm", "tam")), loads) == 5
    assert load(One("ada", ()), loads) == 0


covers = st.builds(
    Cover,
    tiers=st.sampled_from([(), ("pro",), ("enterprise",), ("pro", "team")]),
    touch=st.sampled_from([(), ("low",), ("high", "mid")]),
    skills=st.sampled_from([(), ("german",)]),
    accounts=st.sampled_from([Span(), Span(20, 30), Span(100), Span(5, 5)]),
    away=st.sampled_from([(), (Away(DAY, DAY, "p0"),)]),
    leaves=st.sampled_from([None, None, DAY]),
)
roles = st.lists(st.sampled_from(sorted(CHAINS)), unique=True, max_size=3).map(tuple)
teams = st.lists(st.tuples(roles, covers), max_size=6).map(
    lambda those: [One(f"p{n}", role, cover, name=f"N{n % 3}") for n, (role, cover) in enumerate(those)]
)
profiles = st.builds(
    replace,
    st.just(PRO),
    tier=st.sampled_from(["team", "pro", "enterprise", "self-serve"]),
    touch=st.sampled_from(["low", "mid", "high"]),
    country=st.sampled_from(["DE", "US", ""]),
)
rules = Policy({"csm": RoleRule(NOT_SELF_SERVE, Span(20, 50))}, {"german": GERMAN})


@settings(deadline=None)
@given(teams, profiles, st.dictionaries(st.sampled_from(["p0", "p1", "p2"]), st.integers(0, 60)), st.randoms())
def test_whoever_is_chosen_could_not_be_bettered(
    people: list[One], profile: Profile, loads: dict[str, int], luck: object
) -> None:
    counted = {("csm", name): n for name, n in loads.items()}
    found = staff(*people, policy=rules).assign(profile, counted)
    shuffled = [*people]
    luck.shuffle(shuffled)  # type: ignore[attr-defined] # a random.Random
    assert staff(*shuffled, policy=rules).assign(profile, counted) == found
    assert set(found) == set(CHAINS) - ({"csm"} if profile.tier == "self-serve" else set())
    able = [one for one in people if "csm" in one.roles and one.cover.serving(profile) and one.cover.takes_new(DAY)]
    if not able or profile.tier == "self-serve":
        return
    best = next(one for one in able if one.id == found["csm"].person)
    for other in able:
        if (best.cover.serving(profile) == "any") == (other.cover.serving(profile) == "any"):
            wanted = profile.country == "DE"
            skilled = [wanted and "german" in one.cover.skills for one in (best, other)]
            room = [book(one, rules).share(loads.get(one.id, 0)) for one in (best, other)]
            assert (not skilled[0], room[0]) <= (not skilled[1], room[1])


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(0, 60))
def test_customers_that_come_one_by_one_are_spread_evenly(people: int, customers: int) -> None:
    team = staff(*(One(f"p{n}") for n in range(people)))
    loads: Counter[tuple[str, str]] = Counter()
    for _ in range(customers):
        loads.update((role, found.person) for role, found in team.assign(PRO, loads).items())
    has = [loads["csm", f"p{n}"] for n in range(people)]
    assert sum(has) == customers
    assert max(has) - min(has) <= 1
