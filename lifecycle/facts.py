"""What counts as news: the pure rule by which a new value of a fact is told to the workflow, or only stored."""

import math
from collections.abc import Mapping

from lifecycle.conditions import is_number
from lifecycle.model import Value
from lifecycle.playbook import FactSpec


def worth_telling(last: Value, new: Value, spec: FactSpec) -> bool:
    """Whether a value differs from the last delivered one by at least the fact's resolution.

    The gateway applies it to the row of last delivered values and the simulator to the same stream, so both see the
    same events.
    """
    if spec.resolution is None or not is_number(last) or not is_number(new):
        return new != last
    return abs(float(new) - float(last)) >= spec.resolution


def news(told: Mapping[str, Value], values: Mapping[str, Value], specs: Mapping[str, FactSpec]) -> dict[str, Value]:
    """Those of the reported values that are worth telling, given the last told ones; facts of no catalogue are not."""
    return {
        name: value
        for name, value in values.items()
        if name in specs and worth_telling(told.get(name), value, specs[name])
    }


def problem(name: str, new: Value, spec: FactSpec) -> str:
    """Why a value cannot be this fact, as a sentence; empty when it can."""
    kinds = {"number": (int, float), "boolean": (bool,), "text": (str,), "date": (str,)}[spec.type]
    if not isinstance(new, kinds) or (spec.type == "number" and isinstance(new, bool)):
        return f"{name} is a {spec.type}, not {new!r}"
    if spec.type == "number" and is_number(new):
        if not math.isfinite(new):
            return f"{name} is a number, not {new!r}"
        if spec.low is not None and new < spec.low:
            return f"{name} is at least {spec.low:g}, not {new:g}"
        if spec.high is not None and new > spec.high:
            return f"{name} is at most {spec.high:g}, not {new:g}"
    if spec.choices and new not in spec.choices:
        return f"{name} is one of {', '.join(spec.choices)}, not {new!r}"
    return ""
