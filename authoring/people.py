"""The people of a simulation: what each of them does about what the core asks, by assumption and without chance.

A draw is SHA-256 over the seed, the customer and what it is about (the approval, the touch, the contract and its end),
so nothing that happens to another customer, or earlier to this one, moves it: two futures of one customer differ only
by what the playbooks do.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from authoring.answers import Answers, Approvals, Span
from lifecycle import calendar
from lifecycle.actions import Length
from lifecycle.commands import AskApproval, Command, RaiseTask, SendEmail, SendInvite, SendSurvey
from lifecycle.messages import (
    ApprovalAnswered,
    Churned,
    ContactSuppressed,
    ContractSigned,
    EmailReplied,
    Event,
    MeetingAnswered,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Contract, State, Teammate, Value
from lifecycle.playbook import Lifecycle
from lifecycle.releases import Releases
from lifecycle.surveys import FORMS
from lifecycle.touches import name_in

Told = tuple[datetime, Event]
_BITS = 53
_ONE = float(1 << _BITS)
"""A draw has as many bits as a float holds exactly."""
_MORNING = "10:00"
_YEAR = 365


@dataclass(frozen=True, slots=True)
class People:
    """The people around one customer. `customer`: its id in touches; `zone`: the customer's; `holidays`: the team's, as
    ISO dates.
    """

    answers: Answers
    seed: str
    customer: str
    zone: str
    lifecycle: Lifecycle
    releases: Releases
    holidays: frozenset[str]

    def draw(self, *about: str) -> float:
        """A number from 0 up to, not including, 1: the same for the same seed, customer and matter."""
        words = "\x00".join((self.seed, self.customer, *about))
        return (int.from_bytes(hashlib.sha256(words.encode()).digest()[:8]) >> (64 - _BITS)) / _ONE

    def later(self, at: datetime, span: Span, zone: str, *about: str) -> datetime:
        """An instant after `at` by a drawn delay."""
        share = self.draw("delay", *about)
        if span.unit in ("business_hours", "business_days"):
            amount = span.low + int(share * (span.high - span.low + 1))
            return calendar.add(at, Length(amount, span.unit), zone, self.lifecycle.business, self.holidays)
        low, high = (timedelta(**{span.unit: amount}) // timedelta(minutes=1) for amount in (span.low, span.high))
        return at + timedelta(minutes=low + int(share * (high - low + 1)))

    # --- what the core asks -------------------------------------------------------------------------------------------

    def react(self, at: datetime, command: Command, team: Mapping[str, Teammate]) -> Iterator[Told]:
        """What comes of a command: an answer, a tick, a reply, or nothing."""
        match command:
            case AskApproval(approval=approval, to=to):
                zone = next((item.zone for item in team.values() if item.id == to), self.zone)
                yield from self._approval(at, approval, command.step, to, zone)
            case SendSurvey():
                yield from self._survey(at, command)
            case SendEmail(touch=touch, to=contact):
                emails = self.answers.emails
                if self.draw("reply", touch) < emails.replied:
                    yield self.later(at, emails.after, self.zone, touch), EmailReplied(contact)
                if self.draw("unsubscribe", touch) < emails.unsubscribed:
                    gone = ContactSuppressed(contact, "unsubscribed")
                    yield self.later(at, emails.after, self.zone, touch), gone
            case SendInvite(to=to, guests=guests) if guests and to == guests[0]:
                yield from self._meeting(command)
            case RaiseTask(touch=touch, to=to):
                if self.draw("task", touch) < self.answers.tasks.done:
                    yield self.later(at, self.answers.tasks.after, self.zone, touch), TaskTicked(touch, to)
            case _:
                return

    def _approval(self, at: datetime, approval: str, step: str, to: str, zone: str) -> Iterator[Told]:
        rule: Approvals = self.answers.steps.get(step, self.answers.approvals)
        share = self.draw("approval", approval, to)
        if share < rule.approved + rule.rejected:
            answered = ApprovalAnswered(
                approval, to, "approve" if share < rule.approved else "reject", f"assumed/{approval}/{to}"
            )
            yield self.later(at, rule.after, zone, "approval", approval, to), answered

    def _survey(self, at: datetime, command: SendSurvey) -> Iterator[Told]:
        step = next((item for item in self.releases.playbook(command.release).steps if item.id == command.step), None)
        kind = getattr(step.action, "survey", "") if step else ""
        rule = self.answers.surveys.get(kind)
        if rule is None or self.draw("survey", command.touch) >= rule.answered:
            return
        if not rule.scores:
            picked: dict[str, Value] = {
                name: self._pick(command.touch, name, choices) for name, choices in FORMS[kind].choices.items()
            }
            when = self.later(at, rule.after, self.zone, "survey", command.touch)
            yield when, SurveyAnswered(kind, command.to, None, answers=picked)
            return
        share = self.draw("score", command.touch)
        for low, high, part in rule.scores:
            if share < part:
                score = low + int(share / part * (high - low + 1))
                when = self.later(at, rule.after, self.zone, "survey", command.touch)
                yield when, SurveyAnswered(kind, command.to, score)
                return
            share -= part

    def _pick(self, touch: str, name: str, choices: tuple[str, ...]) -> str:
        return choices[int(self.draw("choice", touch, name) * len(choices))]

    def _meeting(self, command: SendInvite) -> Iterator[Told]:
        rule = self.answers.meetings
        share = self.draw("meeting", command.meeting, *([str(command.moves)] if command.moves else []))
        meeting = name_in(command.meeting)
        outcomes = (("held", rule.held), ("no_show", rule.no_show), ("declined", rule.declined))
        for outcome, part in outcomes:
            if share < part:
                yield command.closes, MeetingAnswered(meeting, outcome, command.organizer)  # type: ignore[arg-type]  # one of the three words above
                return
            share -= part

    # --- what happens anyway ------------------------------------------------------------------------------------------

    def course(self, state: State, until: datetime) -> Iterator[Told]:
        """What happens to a customer from now on without being asked: its course, its contracts, its leaving."""
        now, signed_up_on = state.as_of, state.profile.signed_up_on
        for item in self.answers.course:
            about = str(item.event)
            low, high = item.days
            day = low + int(self.draw("day", about) * (high - low + 1))
            at = calendar.wall(calendar.plus(signed_up_on, day), _MORNING, self.zone)
            if day == 0 and calendar.local(now, self.zone).date() == signed_up_on:
                at = max(at, now + timedelta(hours=1))
            if at > now and self.draw("course", about) < item.share:
                yield at, item.event
        yield from self._leaving(state)
        for contract in state.contracts:
            yield from self._renewals(contract, now, until)

    def _leaving(self, state: State) -> Iterator[Told]:
        """The day on which the customer leaves: each day is as likely as the next, and as many leave in a year as is
        assumed.
        """
        rate = self.answers.churn
        if not 0 < rate < 1:
            if rate >= 1:
                yield state.as_of + timedelta(days=1), Churned("assumed")
            return
        days = math.log(1 - self.draw("churn")) / math.log(1 - rate) * _YEAR
        if days < calendar.LAST.toordinal() - state.as_of.toordinal():
            yield state.as_of + timedelta(minutes=int(days * 24 * 60) + 1), Churned("assumed")

    def _renewals(self, contract: Contract, now: datetime, until: datetime) -> Iterator[Told]:
        rule = self.answers.renewals
        ends = contract.ends_on
        while rule is not None and (end := calendar.wall(ends, _MORNING, self.zone)) <= until + timedelta(days=_YEAR):
            about = (contract.id, ends.isoformat())
            if self.draw("renewal", *about) >= rule.signed:
                if end > now:
                    yield end, Churned("the contract was not renewed")
                return
            low, high = rule.before
            signed = end - timedelta(days=low + int(self.draw("signed", *about) * (high - low + 1)))
            ends = calendar.plus(ends, _YEAR)
            if signed > now:
                yield signed, ContractSigned(Contract(contract.id, ends))

    def still_open(self, state: State) -> Iterator[Told]:
        """What people do about the questions that a state has open, counted from when these were asked."""
        for play in state.plays:
            asked = {item.id: item.approval for item in self.releases.playbook(play.release).steps if item.approval}
            for step, progress in play.steps.items():
                rule = asked.get(step)
                person = state.team.get(rule.by) if rule else None
                if progress.status == "asked" and person is not None:
                    yield from self._approval(progress.at, f"{play.key}/{step}", step, person.id, person.zone)
