"""What others need to talk to the customer workflow: ids, names, and the JSON payloads that travel. The only file of
this package that others import.

All payloads are plain JSON objects in the core's own form (`lifecycle.jsonform`), so that Temporal's converter never
has to guess a kind.
"""

from typing import Any, TypedDict

WORKFLOW = "CustomerLifecycle"
TASK_QUEUE = "stageplay"

EVENT = "event"  # signal: one Delivery
ANSWER = "answer"  # update: one Delivery -> Reply as JSON
OVERVIEW = "overview"  # query -> Overview
UPCOMING = "upcoming"  # query -> list of public decisions with verdict `waiting`
STATE = "state"  # query -> State as JSON
PERFORM = "perform"  # activity: Batch -> BatchResult

STAGE_ATTRIBUTE = "StageplayStage"
BAND_ATTRIBUTE = "StageplayBand"
TIER_ATTRIBUTE = "StageplayTier"
CATALOGUE_ATTRIBUTE = "StageplayCatalogue"
ATTRIBUTES = (STAGE_ATTRIBUTE, BAND_ATTRIBUTE, TIER_ATTRIBUTE, CATALOGUE_ATTRIBUTE)
"""Search attributes, all Keyword; nothing personal. `cli.up` and the tests register them once per namespace."""


class Delivery(TypedDict):
    """One inbox row: its gapless number for this customer and the core event as JSON."""

    seq: int
    event: dict[str, Any]


class Start(TypedDict):
    """The workflow's input. `state`: a State as JSON after continue-as-new, else empty; then `first` begins it.
    `outgoing`: commands as JSON that the last run decided and did not hand over.

    `clock`: `lifecycle.model.Clock` as JSON. `catalogue`: digest of the manifest a new customer starts with. `spread`:
    touches are spread by customer.
    """

    customer: str
    catalogue: str
    clock: dict[str, Any]
    spread: bool
    state: dict[str, Any]
    first: list[Delivery]
    outgoing: list[dict[str, Any]]
    log: str


class PlayInfo(TypedDict):
    """What texts say of a play: its day 0 (ISO), its zone, and the facts of what it is about."""

    anchor: str
    zone: str
    about: dict[str, Any]


class Batch(TypedDict):
    """One moment's commands and the decisions to store.

    `number`: counts batches of this customer, so a stored batch is recognised. `commands`: JSON of the core's values.
    `decisions`: rows of `lifecycle.trace.to_row`, oldest first. `plays`: those that the commands belong to, by
    `playbook/play`, while they run. `summary`: stage, band, tier, overdue, held, catalogue, seq, as_of, next_due (ISO
    or null) for the customer's row. `snapshot`: a State as JSON on a flush without commands, else empty. `log`: hash
    chain of all decisions of this run, so that a replay that decides otherwise differs in its inputs.
    """

    customer: str
    number: int
    commands: list[dict[str, Any]]
    decisions: list[list[Any]]
    plays: dict[str, PlayInfo]
    summary: dict[str, Any]
    snapshot: dict[str, Any]
    log: str


class EffectResult(TypedDict):
    """Outcome of one command. `retry_in`: real seconds; of `unknown`, 0 where nobody can be asked for a day."""

    touch: str
    result: str
    reason: str
    retry_in: float


class BatchResult(TypedDict):
    """Only what was not simply `sent`: a command without an entry arrived. Most batches return an empty list, which
    keeps histories short.
    """

    effects: list[EffectResult]


def workflow_id(customer: str) -> str:
    """The one workflow of a customer. `customer` is our own opaque id, never the sender's."""
    return f"customer/{customer}"
