"""The statecharts: every stage, renewal phase and band, and every move between them, declared once.

Three independent regions: the journey (one per customer), the renewal (one per contract), the health band. No chart has
callbacks, timers or guards of its own: whether a criterion is met is asked before the event is sent.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from statemachine import State, StateChart


class _Chart(StateChart[Any]):
    """An event that no transition takes, or that fails, is an error where it is sent."""

    allow_event_without_transition = False
    catch_errors_as_events = False


class Journey(_Chart):
    """Where a customer stands. `criterion_met`: the stage's own criterion; `window_ended`: its day window is over;
    `set_to_*`: a person's move. A journey has some of these stages; one that it does not have is passed by.
    """

    new = State(initial=True)
    onboarding = State()
    adoption = State()
    value = State()
    expansion = State()
    advocacy = State()
    churned = State()
    win_back = State()

    criterion_met = (
        new.to(onboarding) | onboarding.to(adoption) | adoption.to(value) | value.to(expansion) | expansion.to(advocacy)
    )
    window_ended = new.to(onboarding)
    churn = (
        new.to(churned)
        | onboarding.to(churned)
        | adoption.to(churned)
        | value.to(churned)
        | expansion.to(churned)
        | advocacy.to(churned)
        | win_back.to(churned)
    )
    start_win_back = churned.to(win_back)
    come_back = churned.to(onboarding) | win_back.to(onboarding)
    set_to_new = new.from_(onboarding, adoption, value, expansion, advocacy, churned, win_back)
    set_to_onboarding = onboarding.from_(new, adoption, value, expansion, advocacy, churned, win_back)
    set_to_adoption = adoption.from_(new, onboarding, value, expansion, advocacy, churned, win_back)
    set_to_value = value.from_(new, onboarding, adoption, expansion, advocacy, churned, win_back)
    set_to_expansion = expansion.from_(new, onboarding, adoption, value, advocacy, churned, win_back)
    set_to_advocacy = advocacy.from_(new, onboarding, adoption, value, expansion, churned, win_back)
    set_to_churned = churned.from_(new, onboarding, adoption, value, expansion, advocacy, win_back)
    set_to_win_back = win_back.from_(churned)


class Renewal(_Chart):
    """Where a contract's renewal stands. A contract that enters late goes straight to the phase its date is in; a
    signed one starts again at `idle`.
    """

    idle = State(initial=True)
    assessment = State()
    ebr = State()
    proposal = State()
    negotiation = State()
    close = State()
    complete = State()

    assessment_due = idle.to(assessment)
    ebr_due = ebr.from_(idle, assessment)
    proposal_due = proposal.from_(idle, assessment, ebr)
    negotiation_due = negotiation.from_(idle, assessment, ebr, proposal)
    close_due = close.from_(idle, assessment, ebr, proposal, negotiation)
    complete_due = complete.from_(idle, assessment, ebr, proposal, negotiation, close)
    sign = idle.from_(assessment, ebr, proposal, negotiation, close, complete)


class Health(_Chart):
    """The colour of the health score; `unknown` until a first score arrives."""

    unknown = State(initial=True)
    green = State()
    yellow = State()
    red = State()
    critical = State()

    score_green = green.from_(unknown, yellow, red, critical)
    score_yellow = yellow.from_(unknown, green, red, critical)
    score_red = red.from_(unknown, green, yellow, critical)
    score_critical = critical.from_(unknown, green, yellow, red)


CHARTS: Mapping[str, type[StateChart[Any]]] = MappingProxyType(
    {"journey": Journey, "renewal": Renewal, "health": Health}
)
