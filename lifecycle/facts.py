"""What counts as news: the pure rule by which a new value of a fact is told to the workflow, or only stored; and which
facts an event tells.
"""

import math
from collections.abc import Mapping

from lifecycle import touches
from lifecycle.conditions import is_number
from lifecycle.messages import (
    EmailReplied,
    Event,
    FactsReported,
    Happened,
    MeetingAnswered,
    SignedUp,
    SurveyAnswered,
    TaskTicked,
)
from lifecycle.model import Value
from lifecycle.playbook import FactSpec, Lifecycle

LARGEST = 10**15 - 1
"""Of a number, whatever its range: beyond it a float no longer counts, and far beyond there is none."""


def worth_telling(last: Value, new: Value, spec: FactSpec) -> bool:
    """Whether a value differs from the last delivered one by at least the fact's resolution.

    The gateway applies it to the row of last delivered values and the simulator to the same stream, so both see the
    same events.
    """
    if spec.resolution is None or not is_number(last) or not is_number(new):
        return new != last
    return abs(float(new) - float(last)) >= spec.resolution


def news(told: Mapping[str, Value], values: Mapping[str, Value], specs: Mapping[str, FactSpec]) -> dict[str, Value]:
    """Those of the reported values that are worth telling, given the last told ones; facts of no catalogue are not, nor
    those that are only kept by the day.
    """
    return {
        name: value
        for name, value in values.items()
        if name in specs and not specs[name].by_day and worth_telling(told.get(name), value, specs[name])
    }


def learned(event: Event, lifecycle: Lifecycle | None) -> dict[str, Value]:
    """The facts that an event tells the core, as `lifecycle.happening` reads it, also those that the catalogue does not
    name. `lifecycle`: what its events set; None: nothing but what they carry.
    """
    carried: Mapping[str, Value] = {}
    match event:
        case FactsReported(facts=reported):
            return dict(reported)
        case SignedUp():
            name = "customer.signed_up"
        case Happened(name=name, facts=carried) | SurveyAnswered(name=name, facts=carried):
            pass
        case EmailReplied():
            name = "email.replied"
        case TaskTicked(task=task, done=True):
            name = touches.done_event(task)
        case MeetingAnswered(meeting=meeting, outcome=outcome):
            name = f"{meeting.rpartition('/')[2]}.{outcome}"
        case _:
            return {}
    spec = lifecycle.events.get(name) if lifecycle else None
    return {**(spec.sets if spec else {}), **carried}


def beyond(new: float, spec: FactSpec) -> str:
    """What a number would have to be for this fact, and is not: `at most 1`; empty when it can be it."""
    if not -math.inf < new < math.inf:
        return "a number"
    if not -LARGEST <= new <= LARGEST:
        return "a number of at most 15 digits"
    if spec.low is not None and new < spec.low:
        return f"at least {spec.low:g}"
    if spec.high is not None and new > spec.high:
        return f"at most {spec.high:g}"
    return ""


def problem(name: str, new: Value, spec: FactSpec) -> str:
    """Why a value cannot be this fact, as a sentence; empty when it can."""
    kinds = {"number": (int, float), "boolean": (bool,), "text": (str,), "date": (str,)}[spec.type]
    if not isinstance(new, kinds) or (spec.type == "number" and isinstance(new, bool)):
        return f"{name} is a {spec.type}, not {new!r}"
    if spec.type == "number" and is_number(new) and (wanted := beyond(new, spec)):
        huge = LARGEST < new < math.inf or -math.inf < new < -LARGEST
        return f"{name} is {wanted}" + ("" if huge else f", not {new:g}")
    if spec.choices and new not in spec.choices:
        return f"{name} is one of {', '.join(spec.choices)}, not {new!r}"
    return ""
