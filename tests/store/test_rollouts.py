"""Rollouts on both databases: everybody is told once, in batches; a part stays a part; new customers join theirs."""

from dataclasses import replace

import pytest

from lifecycle.actions import Expr
from lifecycle.jsonform import encode
from lifecycle.model import Clock, Profile
from lifecycle.playbook import Lifecycle, Manifest, Release, StageSpec, release_digest
from store import customers, releases, rollouts, tables, team
from store.customers import Customer
from store.database import Database, now
from store.rollouts import EVERYBODY, Options, Scope

LIFE = Lifecycle("standard", "Standard", (StageSpec("onboarding", "csm", 1),), "lifecycle.yaml")
PRO = Scope(Expr("customer.tier == 'pro'", ("==", ("get", "customer.tier"), ("const", "pro"))))


def stored(database: Database, life: Lifecycle, *, current: bool) -> str:
    """A catalogue with that lifecycle."""
    name = release_digest(encode(life))
    manifest = Manifest(name)
    digest = release_digest(encode(manifest))
    given: dict[str, Release] = {name: life, digest: manifest}
    with database.begin() as c:
        if current:
            releases.commit(c, digest, given, note="test")
        else:
            releases.keep(c, digest, given)
    return digest


@pytest.fixture
def two(database: Database) -> tuple[str, str]:
    """The current catalogue, and one that is only stored."""
    return stored(database, LIFE, current=True), stored(database, replace(LIFE, title="Other"), current=False)


def another(database: Database, name: str, tier: str) -> Customer:
    at = now()
    profile = Profile("Europe/Berlin", at.date(), tier=tier)
    with database.begin() as c:
        clock = Clock(at, at)
        return customers.create(c, outer_id=name, name=name, profile=profile, clock=clock, contacts=[], team={})[0]


def told(database: Database) -> list[str]:
    with database.read() as c:
        query = tables.inbox.select().where(tables.inbox.c.source == rollouts.SOURCE)
        return sorted(row.customer for row in c.execute(query))


def carried_out(database: Database, digest: str, options: Options) -> int:
    with database.begin() as c:
        begun = rollouts.begin(c, digest, options, "test")
    more: int | None = 1
    while more is not None:
        with database.begin() as c:
            more = rollouts.tell_some(c, begun)
    return begun


def test_everybody_is_told_once_however_often_somebody_goes_on(
    database: Database, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollouts, "BATCH", 2)
    those = sorted(another(database, f"n{number}", "team").id for number in range(5))
    begun = carried_out(database, two[1], Options(("onboarding",), "fire"))
    with database.begin() as c:
        assert rollouts.tell_some(c, begun) is None
        assert rollouts.unfinished(c) == []
        assert rollouts.listed(c)[0].told == 5
        assert rollouts.listed(c)[0].options == Options(("onboarding",), "fire", EVERYBODY)
    assert told(database) == those


def test_a_part_is_told_and_its_new_customers_join_it(database: Database, two: tuple[str, str]) -> None:
    pro, other = another(database, "pro", "pro"), another(database, "team", "team")
    carried_out(database, two[1], Options(scope=PRO))
    late = another(database, "late", "pro")
    with database.read() as c:
        assert [rollouts.catalogue_of(c, item) for item in (late, other)] == [two[1], two[0]]
        assert two[1] in releases.in_use(c)
        assert rollouts.parts(c)[0].options.scope.text == "customer.tier == 'pro'"
    assert told(database) == [pro.id]
    carried_out(database, two[0], Options())
    with database.read() as c:
        assert rollouts.parts(c) == []
        assert rollouts.catalogue_of(c, late) == two[0]


def test_a_part_may_be_the_accounts_of_one_person(database: Database, customer: Customer, two: tuple[str, str]) -> None:
    another(database, "nobodys", "team")
    with database.read() as c:
        csm = team.team_of(c, customer.id)["csm"].id
    assert Scope(PRO.segment, csm).text == f"customer.tier == 'pro'; csm {csm}"
    carried_out(database, two[1], Options(scope=Scope(csm=csm)))
    assert told(database) == [customer.id]


def test_a_shadow_tells_nobody_and_keeps_where_customers_stand(database: Database, two: tuple[str, str]) -> None:
    someone = another(database, "someone", "pro")
    with database.begin() as c:
        assert rollouts.shadow(c) is None
        begun = rollouts.begin(c, two[1], Options(shadow=True), "test")
        rollouts.keep_states(c, begun, {someone.id: {"v": 1}})
        rollouts.keep_states(c, begun, {})
    with database.read() as c:
        found = rollouts.shadow(c)
        assert found is not None
        assert (found.digest, rollouts.unfinished(c)) == (two[1], [])
        assert list(rollouts.kept_states(c, begun)) == [(someone.id, {"v": 1})]
        assert rollouts.catalogue_of(c, someone) == two[0]


def test_a_catalogue_is_found_by_how_its_digest_begins(database: Database, two: tuple[str, str]) -> None:
    with database.read() as c:
        assert releases.named(c, two[1][:10]) == two[1]
        assert releases.named(c, "") is None
        assert releases.named(c, release_digest(encode(LIFE))) is None
