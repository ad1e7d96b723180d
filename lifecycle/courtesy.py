"""What a lifecycle file says of how often and when people may be reached, and when the team works."""

from dataclasses import dataclass, field

from lifecycle.actions import STALE_AFTER, Expr, Length


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which a customer has other worries: while `condition` holds, it is sent nothing by playbooks whose
    priority is below `below`. `reason`: for the trace.
    """

    condition: Expr
    below: int
    reason: str


@dataclass(frozen=True, slots=True)
class Politeness:
    """Caps per contact on emails and surveys (a local calendar day, 7 days), quiet hours (local), and how stale a held
    touch may get. `customer_per_day`, `customer_per_week`: caps on the steps that reach a customer (0: none).
    `blackouts`: first and last ISO dates of times in which no customer is reached. `incidents`: when only the most
    urgent playbooks speak. `survey_open`: how long an unanswered survey keeps other ones from a contact (None: not at
    all); `surveys`: kind of survey to how long the same is not asked again. `same_mail`: how long nobody gets the same
    template again (None: no limit).
    """

    per_day: int = 1
    per_week: int = 4
    quiet: tuple[str, ...] = ("20:00", "08:00")
    stale_after: Length = STALE_AFTER
    spread_minutes: int = 30
    customer_per_day: int = 0
    customer_per_week: int = 0
    blackouts: tuple[tuple[str, str], ...] = ()
    incidents: tuple[Incident, ...] = ()
    survey_open: Length | None = None
    surveys: dict[str, Length] = field(default_factory=dict)
    same_mail: Length | None = None


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """Working time of the team: local `HH:MM` in the teammate's zone, weekdays 0 (Monday) to 6; `country` gives the
    holidays.
    """

    start: str = "09:00"
    end: str = "17:00"
    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    country: str = ""
