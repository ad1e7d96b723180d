"""What histories are made of: a world with every kind of step, and events of every kind, drawn by Hypothesis.

`test_laws.py` carries them out. A history is a list of `moves`: minutes to wait, an event to tell or a batch to settle,
and whether the shell slept meanwhile. Where an event names an approval, a task or a catalogue, the strategy counts:
`Walk.real` puts the names in that its history knows. A new kind of event belongs into `events`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from lifecycle.actions import (
    CancelMeeting,
    Choose,
    Document,
    Escalate,
    Expr,
    Length,
    Opportunity,
    Repeat,
    Reschedule,
    SetFacts,
    StartPlay,
    StopPlay,
    Wait,
    Webhook,
    When,
)
from lifecycle.health import Component, HealthModel, Metric
from lifecycle.messages import (
    Absorbed,
    ApprovalAnswered,
    BatchSettled,
    CatalogueApplied,
    Churned,
    ContactChanged,
    ContactLeft,
    ContactRestored,
    ContactSuppressed,
    ContractSigned,
    DueReached,
    EmailReplied,
    FactsReported,
    Happened,
    HoldLifted,
    HoldPlaced,
    MeetingAnswered,
    Merged,
    MilestoneTicked,
    PlayRequested,
    PlayStopRequested,
    ProfileChanged,
    Returned,
    SendsReleased,
    SignedUp,
    StageSet,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Contact, Contract, Profile, Teammate, Touched
from lifecycle.playbook import CONTRACT_END, PER_CONTRACT, Every, FactSpec, Playbook, Rung, Step, Trigger
from lifecycle.staffing import Booked, TeamChanged

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Given, Library

ZONE = "Europe/Berlin"
FELL = FactSpec("boolean")


def _model(given: Given) -> HealthModel:
    """A score of one's own once two of four parts are known; until then the one that is reported."""
    share = Metric("share", "Share", 1, given.compare("usage.share", ">", 0.5), given.compare("usage.share", ">", 0.2))
    nps = Metric("nps", "NPS", 1, value=given.get("nps.score"))
    setup = Metric("setup", "Setup", 1, given.get("milestones.technical_setup"))
    term = Metric("term", "Term", 1, given.compare("contract.phase", "==", "assessment"))
    parts = (Component("use", "Use", 60, (share, setup)), Component("mood", "Mood", 40, (nps, term)))
    return HealthModel("drawn", "Drawn", "playbooks/health/drawn.yaml", parts, least_known=50)


def world(given: Given) -> tuple[Library, tuple[str, str, str]]:
    """Releases with every kind of step, and three catalogues of them."""
    approval = given.approval(
        Length(4, "business_hours"),
        "proceed",
        remind=Length(1, "business_hours"),
        escalate=(Rung(Length(2, "business_hours"), "cs_manager"),),
    )
    onboarding = given.book(
        given.email("welcome", When(day=1, catch_up=True)),
        given.task("plan", When(day=1)),
        given.invite("kickoff", When(day=1, at="11:00"), approval=given.approval(Length(2, "hours"))),
        given.email("setup-guide", When(day=3, shift="next"), needs=("kickoff",)),
        given.wait("setup", When(day=5, at="17:00"), given.get("milestones.technical_setup")),
        given.slack("blocked", under="setup", branch="otherwise"),
        given.email("well-done", When(delay=Length(1, "days"), shift="next"), under="setup", branch="then"),
        given.email("offer", When(day=6, at="06:00"), approval=approval, to=("champion", "admin")),
        Step("move", Reschedule("kickoff", 6, "10:00", "12:00"), When(day=2)),
        given.survey("nps", When(day=8)),
        given.wait("answer", When(day=12), event="nps.answered"),
        given.task("call", under="answer", branch="then", condition=given.compare("nps.score", "<=", 6)),
        name="onboarding",
        trigger=Trigger(stage="onboarding"),
        priority=60,
        zone=ZONE,
        goal=given.compare("usage.share", ">", 0.9),
    )
    again: dict[str, Any] = {"anchor": "entry", "reentry": "again", "zone": ZONE}
    risk = given.book(
        given.email("sorry", When(), approval=given.approval()),
        given.invite("review", When(delay=Length(2, "hours"))),
        Step("sooner", Reschedule("review", 1, "09:00", "17:00"), When(after="review", delay=Length(1, "hours"))),
        Step("off", CancelMeeting("review"), When(after="sooner", delay=Length(1, "hours")), given.get("setup.api")),
        name="risk",
        trigger=Trigger(band="red"),
        cooldown=Length(3, "days"),
        **again,
    )
    held = given.book(
        given.email("notes", When(after="tell", delay=Length(1, "hours"))),
        given.slack("tell"),
        name="kickoff-held",
        trigger=Trigger(event="kickoff.held"),
        priority=90,
        **again,
    )
    left = given.book(
        given.email("why", When(day=1)), given.task("close"), name="left", trigger=Trigger(stage="churned"), **again
    )
    low = Trigger(condition=given.compare("usage.share", "<", 0.5), length=Length(1, "days"))
    silent = Trigger(silence="kickoff.held", length=Length(2, "days"))
    timed = given.book(
        given.task("look"), given.slack("again", When(day=1)), name="timed", triggers=(low, silent), **again
    )
    term = given.book(
        *(given.task("start"), given.email("ends", When(day=-30))),
        **{**again, "anchor": "date"},
        name="term",
        trigger=Trigger(date=CONTRACT_END, days=-60),
        per=PER_CONTRACT,
        goal=given.get("contract.renewed"),
    )
    rows = (Every(3, "days", 9, given.get("setup.api")), Every(1, "months"))
    often = given.book(given.task("call", When(day=0)), name="often", trigger=Trigger(every=rows), **again)
    each = given.book(
        *(given.slack("hi"), given.wait("solved", When(day=2), event="odd")),
        name="each",
        trigger=Trigger(event="kickoff.held"),
        per="usage.share",
        cooldown=Length(1, "days"),
        **again,
    )
    deeds = given.book(
        Step("mark", SetFacts({"usage.share": Expr("0.2", ("const", 0.2)), "setup.api": given.get("setup.done")})),
        Step("go", StartPlay("risk"), When(delay=Length(1, "hours"))),
        Step("enough", StopPlay("risk"), When(day=1)),
        Step("done", StopPlay(goal=True), When(after="enough", delay=Length(1, "hours")), approval=given.approval()),
        Step("tell", Webhook("crm", "odd.happened", {"share": given.get("usage.share")}), When(day=1)),
        Step("brief", Document(("csm",), "brief", "Brief"), When(day=1)),
        Step(
            "sell", Opportunity(("csm",), "seats", "Seats", Length(60, "days"), given.get("usage.share")), When(day=2)
        ),
        Step("up", Escalate("csm", "Look"), When(after="sell"), approval=given.approval()),
        name="deeds",
        trigger=Trigger(event="api.connected"),
        **again,
    )
    rounds = given.book(*_rounds(given), name="rounds", trigger=Trigger(stage="onboarding"), zone=ZONE)
    library = given.library()
    library.life = replace(library.life, health=_model(given), facts=library.life.facts | {"health.fell": FELL})
    changed = replace(onboarding, steps=onboarding.steps[:4])
    first = library.add(onboarding, risk, held, left, timed, term, often, each, deeds, rounds)
    second = library.add(changed, risk, left, often)
    return library, (first, second, library.add(*_edited(onboarding, risk, rounds), held, each))


def _edited(onboarding: Playbook, risk: Playbook, rounds: Playbook) -> tuple[Playbook, ...]:
    """The same playbooks after an author went over them: steps renamed, re-timed, out of and into a repeat, of another
    kind, gone and new, with and without a question.
    """
    first = {step.id: step for step in onboarding.steps}
    welcome = replace(first["welcome"], when=When(day=2))
    start = replace(first["kickoff"], id="start", was="kickoff", when=When(day=3, at="11:00"))
    guide = replace(first["setup-guide"], needs=("start",), approval=start.approval)
    offer = replace(first["offer"], approval=None, when=When(day=4))
    wait, choice = first["setup"].action, next(step.action for step in rounds.steps if step.id == "path")
    assert isinstance(wait, Wait)
    assert isinstance(choice, Choose)
    setup = replace(first["setup"], action=replace(wait, by=When(day=3)))
    blocked = replace(first["blocked"], id="stuck", was="blocked")
    answer = replace(first["nps"], id="answer", when=When(day=10))
    extra = replace(first["plan"], id="extra", when=When(after="start", delay=Length(1, "days")))
    steps = (extra, welcome, first["plan"], start, guide, setup, blocked, offer, first["nps"], answer)
    sorry = replace(risk.steps[0], id="regret", was="sorry", when=When(delay=Length(5, "hours")))
    turns = {step.id: step for step in rounds.steps}
    out = replace(turns["hello"], under="", branch="")
    path = replace(turns["path"], action=replace(choice, ways=choice.ways[::-1]))
    kept = [turns[name] for name in ("until-used", "asked", "heard", "third", "used")]
    new = replace(turns["look"], id="see", was="look")
    second = replace(turns["second"], branch="1")
    kept[1] = replace(kept[1], needs=(), when=When(day=0, at="16:00"))
    return (
        replace(onboarding, steps=steps),
        replace(risk, steps=(sorry, replace(risk.steps[1], when=When(delay=Length(1, "hours"))))),
        replace(rounds, steps=(out, *kept, new, path, second)),
    )


def _rounds(given: Given) -> tuple[Step, ...]:
    """A mail, a question, a meeting and a choice in rounds of two days, and in between a wait."""
    repeat = Repeat(Length(2, "days"), given.compare("usage.share", ">", 0.5), 4)
    ways = Choose((given.get("setup.api"), given.compare("nps.score", "<=", 6)), otherwise=True)
    rule = given.approval(remind=Length(2, "business_hours"))
    heard = given.wait("heard", When(day=2, at="11:00"), event="odd", under="until-used", branch="do")
    return (
        Step("until-used", repeat, When(day=1)),
        given.email("hello", When(day=0, at="10:00", shift="next"), under="until-used", branch="do"),
        given.email("asked", When(day=1), under="until-used", branch="do", approval=rule, needs=("hello",)),
        given.invite("look", under="until-used", branch="do"),
        heard,
        Step("path", ways, under="heard", branch="otherwise"),
        given.task("first", under="path", branch="1"),
        replace(given.survey("second", When(delay=Length(3, "hours"))), under="path", branch="2"),
        given.slack("third", under="path", branch="otherwise"),
        given.slack("used", under="until-used", branch="then"),
        given.wait("since", When(delay=Length(9, "days")), event="odd", under="until-used", branch="otherwise"),
    )


contacts = st.sampled_from(["ada", "bob", "eve", "mara"])
people = st.sampled_from(["mara", "ivo", "tom", "eve"])
texts = st.sampled_from(["", "x", "why not"])
facts = st.dictionaries(
    st.sampled_from(["setup.api", "setup.done", "usage.share", "nps.score", "health.score", "access.given", "odd"]),
    st.one_of(st.none(), st.booleans(), st.integers(0, 100), st.floats(0, 1), texts),
    max_size=3,
)
held = st.sampled_from(["", "", "onboarding", "rounds", "odd"])
profiles = st.builds(
    Profile,
    st.sampled_from([ZONE, "Asia/Tokyo", "America/New_York", "Mars/Olympus"]),
    st.sampled_from([date(2020, 1, 1), date.min, date.max]),
    tier=st.sampled_from(["team", "pro"]),
    country=st.sampled_from(["", "DE", "US"]),
)
applied = st.builds(
    CatalogueApplied,
    st.sampled_from(["0", "1", "2"]),
    st.sampled_from([(), ("onboarding", "risk", "rounds"), ("onboarding",), ("rounds", "each", "often", "odd")]),
    st.sampled_from(["skip", "fire"]),
)
answers = st.builds(
    ApprovalAnswered,
    st.integers(0, 5).map(str),
    people,
    st.sampled_from(["approve", "reject"]),
    texts,
    st.booleans(),
)
mates = st.builds(Teammate, people, st.sampled_from([ZONE, "America/New_York"]))
starts = datetime(2026, 3, 6, 9, tzinfo=UTC)
kept = st.builds(
    Booked,
    st.sampled_from(["c1/onboarding/1/kickoff/1/send", "c1/risk/1/review/1/send", "c1/gone/1/call/1/send"]),
    st.just("r1"),
    st.just(starts),
    st.just(starts.replace(hour=10)),
    people,
    st.tuples(contacts, people),
    st.sampled_from([(), ("ivo",)]),
)
changes = st.builds(
    TeamChanged,
    st.just("0"),
    st.dictionaries(st.sampled_from(["csm", "cs_manager", "implementation_specialist", "sales"]), mates, max_size=3),
    texts,
    st.lists(kept, max_size=2).map(tuple),
)
events: st.SearchStrategy[Any] = st.one_of(
    st.builds(SignedUp, profiles),
    changes,
    st.builds(ProfileChanged, profiles),
    st.builds(
        ContactChanged,
        st.builds(Contact, contacts, st.sampled_from([(), ("champion",), ("admin", "champion")]), st.booleans()),
    ),
    st.builds(ContactLeft, contacts),
    st.builds(ContactSuppressed, contacts, st.just("unsubscribed")),
    st.builds(ContactRestored, contacts),
    st.builds(Happened, st.sampled_from(["kickoff.held", "api.connected", "odd"]), facts),
    st.builds(FactsReported, facts),
    st.builds(
        SurveyAnswered,
        st.sampled_from(["nps", "csat", "exit"]),
        contacts,
        st.one_of(st.none(), st.integers(0, 10)),
        answers=st.dictionaries(st.sampled_from(["reason", "odd"]), texts, max_size=1),
    ),
    answers,
    st.builds(EmailReplied, contacts),
    st.builds(
        MeetingAnswered,
        st.sampled_from(
            [
                "onboarding/1/kickoff",
                "onboarding/1/welcome",
                "risk/1/review",
                "risk/2/review",
                "rounds/1/look",
                "rounds/1/look~2",
                "odd",
            ]
        ),
        st.sampled_from(["held", "no_show", "declined"]),
        st.sampled_from(["", "mara", "eve"]),
    ),
    st.builds(TaskTicked, st.integers(0, 5).map(str), people, st.booleans()),
    st.builds(MilestoneTicked, st.sampled_from(["roi", "technical_setup", "odd"]), people, st.booleans()),
    st.builds(PlayRequested, st.sampled_from(["risk", "term", "odd"]), people, texts),
    st.builds(PlayStopRequested, st.sampled_from(["risk/1", "timed/1", "onboarding/1", "odd"]), people, texts),
    st.builds(StageSet, st.sampled_from(["new", "onboarding", "value", "churned", "win_back", "odd"]), people, texts),
    st.builds(
        ContractSigned,
        st.builds(
            Contract,
            st.sampled_from(["k1", "k2"]),
            st.one_of(st.dates(date(2026, 3, 1), date(2027, 1, 1)), st.sampled_from([date.min, date.max])),
        ),
    ),
    st.builds(Churned, texts),
    st.just(Returned()),
    st.just(Merged("c2")),
    st.builds(
        Absorbed,
        st.sampled_from(["c2", "c3"]),
        st.tuples(st.builds(Contact, contacts, st.just(("champion",)), st.booleans())),
        st.tuples(
            st.builds(
                Touched, contacts, st.just(datetime(2026, 3, 2, 8, tzinfo=UTC)), st.just("c2/onboarding/1/welcome")
            )
        ),
        st.tuples(st.builds(Contract, st.sampled_from(["k1", "k3"]), st.just(date(2026, 6, 1)))),
    ),
    st.builds(HoldPlaced, people, texts, held),
    st.builds(HoldLifted, people, held, st.sampled_from(["send", "skip", "retime"])),
    st.builds(SendsReleased, people, st.sampled_from(["send", "skip", "retime"]), st.none()),
    st.builds(SendsReleased, people, st.just("retime"), st.just(datetime(2026, 3, 1, tzinfo=UTC))),
    applied,
    st.just(DueReached()),
)
results = st.sampled_from(["sent", "sent", "sent", "failed", "later", "held", "unknown", "withdrawn"])
settling = st.builds(BatchSettled, st.lists(results, min_size=1, max_size=6).map(tuple))
minutes = st.one_of(st.integers(0, 120), st.integers(0, 3 * 24 * 60))
moves = st.lists(st.tuples(minutes, st.one_of(events, settling, settling), st.booleans()), min_size=1, max_size=25)
shuffles: st.SearchStrategy[Any] = st.lists(
    st.tuples(
        minutes,
        st.one_of(applied, applied, answers, changes, settling, st.builds(StageSet, st.just("onboarding"), people)),
        st.booleans(),
    ),
    min_size=3,
    max_size=25,
)
"""Histories in which plays are moved to and fro."""
