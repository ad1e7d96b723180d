"""Playbooks that nobody wrote, drawn by Hypothesis: every kind of trigger, step and wait, with shipped templates that
need no fact. A new construct of the language belongs into `steps` or `triggers`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from lifecycle.actions import (
    CancelMeeting,
    Choose,
    Email,
    Expr,
    Invite,
    Length,
    Repeat,
    Reschedule,
    SetFacts,
    Slack,
    StartPlay,
    StopPlay,
    Survey,
    Task,
    Wait,
    When,
)
from lifecycle.playbook import CONTRACT_END, PER_CONTRACT, Approval, Every, Playbook, Rung, Step, Trigger

CHAMPION, CSM = ("champion",), ("csm",)
LOW = Expr("usage.core_features < 3", ("<", ("get", "usage.core_features"), ("const", 3)))
PRO = Expr("customer.tier == 'pro'", ("==", ("get", "customer.tier"), ("const", "pro")))
CONNECTED = Expr("setup.api_connected", ("get", "setup.api_connected"))
HEALTHY = Expr("health.score > 60", (">", ("get", "health.score"), ("const", 60)))
ASKED = ("email", "survey", "invite", "reschedule", "slack", "task")
conditions = st.sampled_from([None, None, None, LOW, PRO, CONNECTED])
clocks = st.sampled_from(["", "00:00", "02:30", "09:00", "17:45", "23:59"])
lengths = st.sampled_from(
    [Length(1, "hours"), Length(2, "business_hours"), Length(2, "days"), Length(3, "business_days")]
)

triggers: SearchStrategy[Trigger] = st.one_of(
    st.just(Trigger(event="customer.signed_up")),
    st.sampled_from([Trigger(stage="onboarding"), Trigger(leaving_stage="new"), Trigger(band="red")]),
    st.sampled_from([Trigger(event="api.connected"), Trigger(event="nps.answered", where=HEALTHY)]),
    st.builds(lambda length: Trigger(condition=LOW, length=length), st.sampled_from([None, Length(2, "days")])),
    st.builds(lambda days: Trigger(silence="training.held", length=Length(days, "days")), st.integers(1, 9)),
    st.builds(lambda days: Trigger(date=CONTRACT_END, days=days), st.integers(-35, 2)),
    st.builds(lambda n: Trigger(every=(Every(n, "days", 20, PRO), Every(1, "months"))), st.integers(3, 12)),
)


@st.composite
def whens(draw: Callable[[SearchStrategy[Any]], Any], before: list[str]) -> When:
    shift = draw(st.sampled_from(["", "next", "previous"]))
    match draw(st.integers(0, 3)):
        case 0 if before:
            return When(after=draw(st.sampled_from(before)), delay=draw(lengths), shift=shift)
        case 1:
            return When()
        case _:
            return When(day=draw(st.integers(-3, 25)), at=draw(clocks), shift=shift, catch_up=draw(st.booleans()))


@st.composite
def actions(draw: Callable[[SearchStrategy[Any]], Any], before: Sequence[Step] = ()) -> Any:
    invites = [step.id for step in before if isinstance(step.action, Invite)]
    match draw(st.integers(0, 10 if invites else 8)):
        case 0 | 1:
            return Email(CHAMPION, "onboarding/welcome", "implementation_specialist")
        case 2:
            return Slack(CSM, "onboarding/open-questions")
        case 3:
            return Task(CSM, "Look after {{ customer.name }}", draw(lengths))
        case 4:
            return Survey("nps", CHAMPION, "nps")
        case 5:
            return SetFacts({"usage.core_features": Expr("2", ("const", draw(st.sampled_from([2, 4]))))})
        case 6:
            return StartPlay(draw(st.sampled_from(["invented-0", "invented-1"])))
        case 7:
            return StopPlay(draw(st.sampled_from(["", "invented-1"])), draw(st.booleans()))
        case 9:
            return Reschedule(draw(st.sampled_from(invites)), draw(st.integers(1, 25)), "09:00", "12:00")
        case 10:
            return CancelMeeting(draw(st.sampled_from(invites)), "not needed")
        case _:
            return Invite((*CHAMPION, *CSM), "onboarding/kickoff", draw(st.integers(1, 20)), "10:00", "15:00", 60)


approvals = st.builds(
    Approval,
    st.just("csm"),
    st.sampled_from([Length(4, "business_hours"), Length(1, "days")]),
    st.sampled_from([None, Length(1, "days")]),
    st.sampled_from([None, Length(1, "business_hours")]),
    st.sampled_from([(), (Rung(Length(2, "business_hours"), "cs_manager"),)]),
    st.sampled_from(["skip", "proceed"]),
)


@st.composite
def steps(draw: Callable[[SearchStrategy[Any]], Any]) -> tuple[Step, ...]:
    found: list[Step] = []
    for number in range(draw(st.integers(1, 5))):
        before = [step.id for step in found if not step.under]
        needs = (draw(st.sampled_from(before)),) if before and draw(st.integers(0, 4)) == 0 else ()
        if draw(st.integers(0, 2)) == 0:
            found += draw(st.one_of(waits(number, needs), choices(number, needs), rounds(number, needs)))
            continue
        action, when, met = draw(actions(found)), draw(whens(before)), draw(conditions)
        asked = draw(approvals) if action.kind in ASKED and draw(st.integers(0, 3)) == 0 else None
        found.append(Step(f"step-{number}", action, when, met, needs, approval=asked))
    return tuple(found)


@st.composite
def waits(draw: Callable[[SearchStrategy[Any]], Any], number: int, needs: tuple[str, ...]) -> list[Step]:
    by = draw(st.sampled_from([When(day=9, at="17:00"), When(delay=Length(2, "days"))]))
    name = f"wait-{number}"
    wait = Wait(by, CONNECTED) if draw(st.booleans()) else Wait(by, event="kickoff.held")
    yes = Step(f"{name}-yes", draw(actions()), draw(whens([])), under=name, branch="then")
    no = Step(f"{name}-no", draw(actions()), draw(whens([])), under=name, branch="otherwise")
    return [Step(name, wait, needs=needs), yes, no]


@st.composite
def choices(draw: Callable[[SearchStrategy[Any]], Any], number: int, needs: tuple[str, ...]) -> list[Step]:
    name, branches = f"choice-{number}", ("1", "2", "otherwise")
    ways = [Step(f"{name}-{n}", draw(actions()), draw(whens([])), under=name, branch=n) for n in branches]
    return [Step(name, Choose((LOW, PRO), otherwise=True), draw(whens([])), needs=needs), *ways]


@st.composite
def rounds(draw: Callable[[SearchStrategy[Any]], Any], number: int, needs: tuple[str, ...]) -> list[Step]:
    name = f"rounds-{number}"
    repeat = Repeat(draw(st.sampled_from([Length(1, "days"), Length(2, "business_days")])), CONNECTED, 3)
    asked = draw(st.sampled_from([None, Approval("csm", Length(2, "business_hours"))]))
    again = Step(f"{name}-again", Task(CSM, "Look"), When(), under=name, branch="do", approval=asked)
    over = Step(f"{name}-over", draw(actions()), draw(whens([])), under=name, branch="otherwise")
    return [Step(name, repeat, needs=needs), again, over]


@st.composite
def playbooks(draw: Callable[[SearchStrategy[Any]], Any], name: str) -> Playbook:
    """One playbook of this name, without the texts of its templates."""
    trigger = draw(triggers)
    dated = bool(trigger.date)
    return Playbook(
        name,
        name.title(),
        "csm",
        (trigger,),
        draw(steps()),
        f"playbooks/{name}.yaml",
        priority=draw(st.integers(0, 100)),
        entry=draw(st.sampled_from([None, None, PRO])),
        exit=draw(st.sampled_from([None, HEALTHY])),
        anchor=draw(st.sampled_from(["date"] if dated else ["entry", "signup"])),
        zone=draw(st.sampled_from(["customer", "csm", "America/New_York"])),
        reentry="again" if dated or trigger.every else draw(st.sampled_from(["once", "again"])),
        cooldown=draw(st.sampled_from([None, Length(5, "days")])),
        per=PER_CONTRACT if dated else "",
        places={"": 1},
    )
