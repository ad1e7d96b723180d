"""Commands that send nobody a message: what is kept here, and what other systems are told. The others, and the union of
all, stand in `messages`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from lifecycle.model import Value


@dataclass(frozen=True, slots=True)
class MakeDocument:
    """Fill in a document's template from what is known, and keep it for `to`."""

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    kind: Literal["make_document"] = "make_document"


@dataclass(frozen=True, slots=True)
class RecordOpportunity:
    """Keep an opportunity of which `to` is the owner. `value`: None where it is not known."""

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    closes_at: datetime
    value: float | None = None
    kind: Literal["record_opportunity"] = "record_opportunity"


@dataclass(frozen=True, slots=True)
class CallWebhook:
    """Tell another system. `to`: the endpoint, as the settings call it; `data`: without what is not known."""

    touch: str
    release: str
    step: str
    to: str
    due: datetime
    event: str
    data: dict[str, Value] = field(default_factory=dict)
    kind: Literal["call_webhook"] = "call_webhook"
