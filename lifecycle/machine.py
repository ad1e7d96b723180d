"""Every move that the statecharts allow, as a table: what the engine reads.

`TABLE`, (region, state, event) -> target, is derived from the charts at import: a restore and a send of a chart cost a
thousand times a look-up. `tests/lifecycle/test_machine.py` walks both together. What crosses the regions is a rule in
`journey`.
"""

from collections.abc import Container, Mapping
from types import MappingProxyType

from lifecycle.charts import CHARTS, Health, Journey, Renewal


def _derive() -> dict[tuple[str, str, str], str]:
    """Read every transition out of the chart classes; two transitions for one (state, event) would be a chart that
    needs guards, which these must not.
    """
    table: dict[tuple[str, str, str], str] = {}
    for region, chart in CHARTS.items():
        for state in chart.states:
            for transition in state.transitions:
                for event in transition.events:
                    key = (region, state.id, event.id)
                    if key in table:
                        raise TypeError(f"the chart of {region} has two moves for {state.id} and {event.id}")
                    table[key] = transition.target.id
    return table


TABLE: Mapping[tuple[str, str, str], str] = MappingProxyType(_derive())
STAGES: tuple[str, ...] = tuple(state.id for state in Journey.states)
PHASES: tuple[str, ...] = tuple(state.id for state in Renewal.states)
BANDS: tuple[str, ...] = tuple(state.id for state in Health.states)


def onward(stage: str, event: str, has: Container[str]) -> str | None:
    """The stage that an event leads to where a journey has only some: from one that it does not have the way goes on
    as if its criterion were met. None where it leads to none of them.
    """
    target = move("journey", stage, event)
    while target is not None and target not in has:
        target = move("journey", target, "criterion_met")
    return target


def move(region: str, state: str, event: str) -> str | None:
    """Where an event leads from a state; None where the chart has no such move."""
    return TABLE.get((region, state, event))
