"""A year of the sample portfolio in which everything goes wrong and everything goes well at once, with all that ships:
nobody there is embarrassed. What a customer got is judged here from outside, by who got what when.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pytest

from authoring.answers import read_answers
from authoring.compile import compile_folder
from authoring.diagnostics import Report
from authoring.lives import Life, Start, Touch, World, live, of_account
from authoring.portfolio import read_portfolio
from authoring.roster import Roster
from authoring.simulate import Library
from lifecycle.messages import SurveyAnswered
from lifecycle.model import Decision
from lifecycle.playbook import OUTSIDE_STAGES, Lifecycle, Playbook

ROOT = Path(__file__).resolve().parents[2]
WEEK = timedelta(days=7)
WRITTEN = ("email", "survey")
SENT = (*WRITTEN, "invite", "reschedule")
AT_RISK = ("yellow", "red", "critical")
MAY_LEAVE = ("renewal-save", "billing-churn")
"""While one of these runs nobody is sold anything either."""
OFFERS = (("onboarding-emails", "next-step"), ("self-serve-advocate", "thanks"))
"""What offers or asks for something, besides `ASKING` and the playbooks whose names begin with `expansion-`."""
ASKING = ("renewal-upsell", "reference", "advisory-board")
PARKED = "expansion-parked"
AFTER_CHURN = ("win-back", "exit-survey")
MOST = 6
"""Messages to one customer, with its several people, in any seven days."""


class Portfolio:
    """The sample portfolio, and how it is played."""

    def __init__(self) -> None:
        compiled = compile_folder(ROOT / "playbooks", ROOT / "templates")
        assert compiled.catalogue is not None
        assert compiled.team is not None
        self.books = {item.name: item for item in compiled.releases.values() if isinstance(item, Playbook)}
        self.library = Library(compiled.releases)
        self.digest = compiled.digest
        self.lifecycle: Lifecycle = self.library.lifecycle(compiled.catalogue.lifecycle)
        books, report = tuple(self.books.values()), Report()
        found, _ = read_answers(ROOT / "samples/hard-year.yaml", books, self.lifecycle)
        assert found is not None
        self.answers = found
        accounts = list(read_portfolio(ROOT / "samples/portfolio.yaml", self.lifecycle, report, books))
        roster = Roster(compiled.team, self.lifecycle)
        self.starts = [of_account(account, roster) for account in accounts]
        self.country = {start.customer: start.signup.profile.country for start in self.starts if start.signup}

    def lives(self, seed: str, *, asked: bool = True) -> list[Life]:
        """Everybody's year. `asked`: whether anybody answers a survey."""
        since = min(start.at for start in self.starts)
        answers = self.answers if asked else replace(self.answers, surveys={})
        until = since + timedelta(days=365)
        world = World(self.library, self.digest, answers, since, until, seed, decisions=True)
        return [live(world, start if asked else _mute(start)) for start in self.starts]

    def shifted(self, touch: Touch) -> bool:
        """Whether a touch keeps clear of weekends and holidays, as its step says."""
        step = next(step for step in self.books[touch.playbook].steps if step.id == touch.step)
        return bool(step.when.shift)

    def free(self, life: Life, day: date) -> bool:
        """Whether a day is a weekend or a holiday of the customer's country."""
        return day.weekday() > 4 or day.isoformat() in self.lifecycle.holidays.get(self.country[life.customer], ())


def _mute(start: Start) -> Start:
    """A customer who answers no survey, whatever the file says."""
    return replace(start, events=tuple(item for item in start.events if not isinstance(item[1], SurveyAnswered)))


@lru_cache(maxsize=1)
def portfolio() -> Portfolio:
    return Portfolio()


@lru_cache(maxsize=2)
def year(seed: str) -> list[Life]:
    return portfolio().lives(seed)


def sent(life: Life, kinds: Iterable[str] = SENT) -> list[Touch]:
    return [touch for touch in life.touches if not touch.inside and touch.kind in kinds]


def most_in(days: list[date], length: timedelta) -> int:
    return max((sum(first <= day < first + length for day in days) for first in days), default=0)


# --- what each of them promises; the words name who, when and what ----------------------------------------------------


def too_often(life: Life) -> Iterator[str]:
    rules = portfolio().lifecycle.politeness
    people: dict[str, list[Touch]] = defaultdict(list)
    for touch in sent(life, WRITTEN):
        people[touch.to].append(touch)
    for to, those in people.items():
        if most_in([touch.on for touch in those], timedelta(days=1)) > rules.per_day:
            yield f"{life.customer}: {to} gets more than {rules.per_day} a day"
        for touch in those:
            week = [other for other in those if touch.at <= other.at < touch.at + WEEK]
            if len(week) > rules.per_week:
                yield f"{life.customer}: {to} gets {len(week)} in the week of {touch.on}"
    if (number := most_in([touch.on for touch in sent(life)], WEEK)) > MOST:
        yield f"{life.customer}: {number} messages in one week"


def at_a_bad_time(life: Life) -> Iterator[str]:
    for touch in sent(life):
        if not 8 <= touch.at.hour < 20:
            yield f"{life.customer}: {touch.playbook}/{touch.step} at {touch.at}"
        if portfolio().shifted(touch) and portfolio().free(life, touch.on):
            yield f"{life.customer}: {touch.playbook}/{touch.step} on a free day, {touch.at}"


def beside_an_incident(life: Life) -> Iterator[str]:
    spans, began = [], {}
    for item in life.decisions:
        if item.playbook == "support-p1" and item.what == "play" and item.reason.startswith("started"):
            began[item.play] = item.at
        elif item.playbook == "support-p1" and item.what == "play" and item.reason.startswith("ended"):
            spans.append((began.pop(item.play), item.at))
    open_ = [(at, datetime.max.replace(tzinfo=at.tzinfo)) for at in began.values()]
    for touch in sent(life):
        if touch.playbook != "support-p1" and any(a < touch.at < b for a, b in (*spans, *open_)):
            yield f"{life.customer}: {touch.playbook}/{touch.step} on {touch.at} while a service is down"


def upsell_at_risk(life: Life) -> Iterator[str]:
    band, leaving = "", set[str]()
    for item in life.decisions:
        started = item.what == "play" and item.reason.startswith("started")
        if item.what == "band":
            band = item.step
        elif item.what == "play" and item.playbook in MAY_LEAVE:
            leaving = leaving | {item.playbook} if started else leaving - {item.playbook}
        spoke = item.what in SENT and item.verdict == "fired"
        if offers(item) and (started or spoke) and (band in AT_RISK or leaving):
            yield f"{life.customer}: {item.playbook}/{item.step} on {item.at} while {band} {leaving}"


def offers(item: Decision) -> bool:
    """Whether a decision is about selling something, or asking for a favour."""
    named = item.playbook.startswith("expansion-") and item.playbook != PARKED
    return named or item.playbook in ASKING or (item.playbook, item.step) in OFFERS


def after_churn(life: Life) -> Iterator[str]:
    moves = [(item.at, item.step) for item in life.decisions if item.what == "stage" and item.verdict == "fired"]
    for touch in sent(life):
        stage = next((stage for at, stage in reversed(moves) if at < touch.at), "")
        if stage in OUTSIDE_STAGES and touch.playbook not in AFTER_CHURN:
            yield f"{life.customer}: {touch.playbook}/{touch.step} on {touch.at} after churn"


def two_surveys(life: Life) -> Iterator[str]:
    """Where nobody ever answers one: none within a week of another, but for the one at churn."""
    last: dict[str, Touch] = {}
    for touch in sent(life, ("survey",)):
        before = last.get(touch.to)
        if before is not None and touch.at - before.at < WEEK and touch.name != "exit":
            yield f"{life.customer}: {touch.name} on {touch.at}, {before.name} on {before.at}"
        last[touch.to] = touch


PROMISES = (too_often, at_a_bad_time, beside_an_incident, upsell_at_risk, after_churn)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_nobody_is_embarrassed(promise: object) -> None:
    assert callable(promise)
    assert [words for life in year("1") for words in promise(life)] == []


def test_it_is_a_hard_year() -> None:
    """All that could collide did: otherwise the other tests of this file say nothing."""
    kinds = {lost.kind for life in year("1") for lost in life.collisions}

    assert {"cap", "survey", "incident", "at risk", "churn"} <= kinds


def test_nobody_has_two_surveys_open() -> None:
    assert [words for life in portfolio().lives("1", asked=False) for words in two_surveys(life)] == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [str(number) for number in range(2, 12)])
def test_nobody_is_embarrassed_whatever_the_luck(seed: str) -> None:
    lives = portfolio().lives(seed)
    assert [words for promise in PROMISES for life in lives for words in promise(life)] == []
    assert [words for life in portfolio().lives(seed, asked=False) for words in two_surveys(life)] == []
