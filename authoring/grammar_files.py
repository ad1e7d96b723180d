"""The other files, key by key: lifecycle, scenarios. Part of `authoring.grammar`."""

from authoring.grammar_facts import FACTS
from authoring.grammar_form import (
    CONDITION,
    DATE,
    DAY_AND_TIME,
    DOTTED_NAMES,
    FLAG,
    LENGTH,
    MEETING_TIME,
    NAME,
    NUMBER,
    ROLE,
    ROLES,
    SNAKE_NAMES,
    TEXT,
    TIME,
    VALUE,
    WINDOW,
    WORDS,
    ZONE,
    Key,
    Kind,
    Shape,
    choice,
    list_of,
    listed,
    mapping,
    name_of,
    named,
    whole,
)
from authoring.grammar_programmes import PROGRAMMES
from authoring.grammar_team import TEAM
from authoring.namespace import CUSTOMER_ROLES
from lifecycle.surveys import FORMS, RETURNS

MAX_DAY = 3650
_ROLE_LIST = Kind(
    "list of roles", {"anyOf": [ROLE.schema, {"type": "array", "items": ROLE.schema, "uniqueItems": True}]}
)
_SPAN = Kind("years", {"type": ["string", "integer"], "pattern": "^20[0-9]{2}(-20[0-9]{2})?$"})
_DAY = whole(-MAX_DAY, MAX_DAY)
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DATES = Kind("dates", {"type": "string", "pattern": f"^ *{_DATE}( +to +{_DATE})? *$"})

_LIFECYCLE = Shape(
    "lifecycle",
    "The standard journey, and what is one for the whole company; one file.",
    (
        Key("lifecycle", name_of("name"), "its name", required=True),
        Key("title", TEXT, "what people read", "the name"),
        Key("default_zone", ZONE, "the zone of a customer who names none", "`UTC`"),
        Key("stages", list_of("stage"), "in order; the last one `days: 181+`", required=True),
        Key("renewal", mapping("renewal"), "days before the contract's end on which each phase starts"),
        Key(
            "notice",
            named(whole(0, 730)),
            "per tier, the days before the contract's end until which customers may end it; a warning tells of a "
            "renewal that speaks later",
        ),
        Key("health", name_of("health model"), "what makes the health score, and its bands", "scores are reported"),
        Key("bands", mapping("bands"), "lowest health score of each", "those of the health model"),
        Key("touch", named(whole(0, 10**12)), "lowest ARR of each touch model, for customers of whom nobody says it"),
        Key("milestones", named(mapping("milestone"), SNAKE_NAMES), "what is reached once, by name"),
        Key("risks", named(mapping("risk"), SNAKE_NAMES), "what a note of a call may name as a risk, by name"),
        Key(
            "conditions", named(CONDITION, SNAKE_NAMES), "what several playbooks ask for as `conditions.NAME`, by name"
        ),
        Key("staffing", list_of("staffing"), "who answers tickets, by how many come a week"),
        Key("support", named(mapping("support_plan"), SNAKE_NAMES), "what support promises each tier, by name"),
        Key("channels", named(TEXT), "how soon each channel of support answers"),
        Key("programmes", named(mapping("programme"), SNAKE_NAMES), "what customers may take part in, with its target"),
        Key("politeness", mapping("politeness"), "how often and when people may be reached"),
        Key("business_hours", mapping("business_hours"), "the team's working time, in each teammate's own zone"),
        Key("holidays", mapping("holidays"), "whose holidays are known; the dates become part of the release"),
        Key(
            "roles",
            named(_ROLE_LIST, SNAKE_NAMES),
            "every teammate role with those who stand in for it, in order; each must end at a person of the people "
            "file",
            required=True,
        ),
        Key("managers", listed(ROLE), "roles that may answer any approval"),
    ),
)
_DAYS_BEFORE = whole(0, 730)
_RENEWAL = Shape(
    "renewal",
    "Phases of a renewal, in days before the contract's end.",
    tuple(
        Key(name, _DAYS_BEFORE, f"when the {doc} starts")
        for name, doc in (
            ("assessment", "assessment"),
            ("ebr", "executive business review"),
            ("proposal", "proposal"),
            ("negotiation", "negotiation"),
            ("close", "close"),
            ("complete", "next term"),
        )
    ),
)
_BANDS = Shape(
    "bands",
    "Health bands, best first.",
    tuple(
        Key(name, whole(0, 100), f"the lowest score that is {name}") for name in ("green", "yellow", "red", "critical")
    ),
)
_POLITENESS = Shape(
    "politeness",
    "How often and when people may be reached; emails and surveys.",
    (
        Key("per_day", whole(1, 50), "at most, per contact and local day", "1"),
        Key("per_week", whole(1, 100), "at most, per contact in seven days", "4"),
        Key(
            "customer_per_day", whole(0, 50), "at most, per customer and local day; a mail to two people is one", "any"
        ),
        Key("customer_per_week", whole(0, 100), "at most, per customer in seven days", "any"),
        Key(
            "blackouts",
            listed(_DATES),
            "dates on which no customer is reached, such as `2026-12-24 to 2027-01-01`",
            "none",
        ),
        Key("quiet", WINDOW, "never in these hours of the customer", '`"20:00-08:00"`'),
        Key("stale_after", LENGTH, "a touch held longer than this is dropped", "3 business days"),
        Key("spread", LENGTH, "customers due at one time are spread over this, 4 hours at most", "30 minutes"),
        Key("same_mail", LENGTH, "nobody gets the same template again before so long, a week at most", "no limit"),
        Key("surveys", mapping("surveys"), "how often a contact is asked", "no limit"),
        Key("incidents", list_of("incident"), "when only the most urgent playbooks speak", "never"),
    ),
)
_SURVEYS = Shape(
    "surveys",
    "How often a contact is asked.",
    (
        Key("open_for", LENGTH, "a survey that is not answered keeps all others back for so long", "not at all"),
        *(
            Key(
                name, LENGTH, f"the {name.upper() if form.scale else name} survey comes again only after so long", "any"
            )
            for name, form in FORMS.items()
        ),
    ),
)
_INCIDENT = Shape(
    "incident",
    "A time in which a customer has other worries.",
    (
        Key("while", CONDITION, "while this holds", required=True),
        Key("below", whole(1, 100), "playbooks of a lower `priority` send the customer nothing", required=True),
        Key("reason", TEXT, "what reasons say of it", required=True),
    ),
)
_WEEKDAY = Kind("`mon-fri` or days", {"type": "string", "pattern": "^(mon|tue|wed|thu|fri|sat|sun)(-[a-z]{3})?$"})
_BUSINESS = Shape(
    "business_hours",
    "The team's working time.",
    (
        Key("days", listed(_WEEKDAY), "the working days, `mon` to `sun`", "`mon-fri`"),
        Key("hours", WINDOW, "from and to, local", '`"09:00-17:00"`'),
        Key("country", NAME, "whose holidays are free; one of `holidays.countries`", "none"),
    ),
)
_HOLIDAYS = Shape(
    "holidays",
    "Whose public holidays are known.",
    (
        Key("countries", listed(NAME), "ISO codes, such as `[DE, US]`", required=True),
        Key("years", _SPAN, "such as `2025-2030`", required=True),
    ),
)
_SCENARIO = Shape(
    "scenario",
    "A test of one or more playbooks.",
    (
        Key("scenario", TEXT, "what happens, in words", required=True),
        Key("covers", WORDS, "for your own lists"),
        Key("playbook", listed(name_of("playbook")), "one or a list; nothing else runs", required=True),
        Key("customer", mapping("customer"), "who it happens to", required=True),
        Key("start", DATE, "the signup, in the customer's zone; its date is day 0", required=True),
        Key("events", list_of("happening"), "what happens, see below"),
        Key("expect", list_of("expectation"), "what must come of it; `[]` is silence", required=True),
        Key("never", list_of("expectation"), "what must never come"),
    ),
)
_ADDRESSES = tuple(Key(role, TEXT, "the address of that person") for role in CUSTOMER_ROLES)
WHO = (
    Key("name", TEXT, "what people read", required=True),
    Key("tier", TEXT, "such as `pro`", "`team`"),
    Key("journey", NAME, "which journey, one of those in `playbooks/`", "`standard`"),
    Key("touch", TEXT, "`low`, `mid` or `high`", "by the ARR"),
    Key("zone", ZONE, "whose clock", "the lifecycle's `default_zone`"),
    Key("country", TEXT, "whose holidays, such as `DE`"),
    Key("segment", TEXT, "a word of your own"),
    Key("arr", whole(0, 10**12), "yearly revenue"),
    *_ADDRESSES,
)
"""What is said of a customer, be it of a scenario or of a portfolio."""
_VACANT = Key(
    "vacant", ROLES, "teammate roles that nobody has; those of their chains stand in", "every role has somebody"
)
_CUSTOMER = Shape("customer", "The customer of a scenario or a simulation.", (*WHO, _VACANT))
_ANSWERS = tuple(
    Key(
        name,
        choice(*form.choices["reason"]) if form.scale is None else whole(*form.scale),
        f"the survey was answered (and `contact`, `late`{', `would_return`' if form.scale is None else ''})",
        one=True,
    )
    for name, form in FORMS.items()
)
HAPPENINGS = (
    Key("approve", TEXT, "the approval of that step was answered (and `by`, `play`)", one=True),
    Key("reject", TEXT, "the approval of that step was answered", one=True),
    Key("event", TEXT, "it happened (and `facts`, besides those that the catalogue sets)", one=True),
    *_ANSWERS,
    Key("tick", TEXT, "a person said that a milestone is reached (and `by`)", one=True),
    Key("untick", TEXT, "a person said that a milestone is not reached", one=True),
    Key(
        "done",
        TEXT,
        "a person ticked the task of that step (and `by`, `play`, `round`); `reply`: the one that an answer to a mail "
        "raised (and `contact`, `playbook`)",
        one=True,
    ),
    Key("reopened", TEXT, "a person took the tick of a task back", one=True),
    Key("unsubscribed", TEXT, "that role wants no more mails", one=True),
    Key("bounced", TEXT, "the address of that role does not exist", one=True),
    Key("left", TEXT, "that role is gone", one=True),
    Key("churned", TEXT, "the customer left, and why", one=True),
    Key("returned", TEXT, "the customer came back, and why", one=True),
    Key("start", TEXT, "a person starts this playbook (and `by`, `reason`)", one=True),
    Key("stop", TEXT, "a person stops a play of this playbook (and `play`, `by`, `reason`)", one=True),
    Key("hold", TEXT, "a person holds everything for this customer, and why (and `by`)", one=True),
    Key("lift", TEXT, "a person lets it go on", one=True),
    Key("stage", TEXT, "a person moved the customer (and `by`, `reason`)", one=True),
    Key("replied", TEXT, "that role answered a mail", one=True),
    Key("meeting", TEXT, "what became of the meeting of that step (and `outcome`, `by`, `play`)", one=True),
    Key("contract", TEXT, "a contract is new, or has a new end (and `ends_on`, `starts_on`, `auto_renews`)", one=True),
    *(Key(role, TEXT, "there is such a person now", one=True) for role in CUSTOMER_ROLES),
    Key("by", ROLE, "who did it"),
    Key("facts", named(VALUE, DOTTED_NAMES), "with `event` or alone: these values were reported"),
    Key("play", whole(1, 1000), "which play of the playbook", "1"),
    Key(
        "playbook",
        name_of("playbook"),
        "of `hold`, `lift`: only what this playbook does; of `done: reply`: whose mail was answered",
    ),
    Key(
        "stale",
        choice("send", "skip", "retime"),
        "of `lift`: what fell due meanwhile is sent, skipped, or moved with the remaining days of its play",
        "`send`",
    ),
    Key(
        "round",
        whole(1, 100),
        "of `approve`, `reject`, `meeting`, `done`: which round of a repeat, or which reply",
        "1",
    ),
    Key("contact", choice(*CUSTOMER_ROLES), "who answered the survey, or the mail", "`champion`"),
    Key("would_return", choice(*RETURNS), "with `exit`: whether they may come back", f"`{RETURNS[-1]}`"),
    Key("late", FLAG, "more than 14 days after the survey was sent", "no"),
    Key("reason", TEXT, "why the customer was moved, or a play started or stopped"),
    Key("outcome", choice("held", "no_show", "declined"), "of a meeting", "`held`"),
    Key("starts_on", DATE, "the first day of the contract's term", "not known; after a term that it follows"),
    Key("ends_on", DATE, "the contract's last day"),
    Key("auto_renews", FLAG, "whether the contract goes on by itself", "not known"),
)
"""What an event of a scenario says, besides when."""
_HAPPENING = Shape(
    "happening",
    "An event of a scenario.",
    (
        Key("day", _DAY, "on that day from the start"),
        Key("until_day", _DAY, "with `event` and `facts`: the same on each day up to this one", "only that day"),
        Key("at", TIME, "at that local time"),
        Key(
            "after",
            LENGTH,
            "with `approve`, `reject`, `done` or a survey, instead of `day` and `at`: after the question was put, or "
            "the task raised",
        ),
        *HAPPENINGS,
    ),
    some=("facts",),
)
_EXPECTATION = Shape(
    "expectation",
    "A line of `expect` or `never`.",
    (
        Key("day", _DAY, "on that day from the start; needed in `expect`"),
        Key("at", TIME, "at that local time; needed in `expect`"),
        Key("to", listed(TEXT), "the roles that get it"),
        Key(
            "due",
            DAY_AND_TIME,
            "of a task: when it is due; of a question: when its time is over",
            "not checked",
            example="day 3 at 09:00",
        ),
        Key("commission", NUMBER, "of an opportunity, in percent", "not checked", example="5"),
        Key("value", NUMBER, "of an opportunity", "not checked", example="12000"),
        Key("closes", _DAY, "of an opportunity: the day from the start by which it should be closed", "not checked"),
        Key("from", ROLE, "of a mail or a meeting: who signs or holds it", "not checked"),
        Key(
            "meets",
            MEETING_TIME,
            "of a meeting: its day from the start, and its hours",
            "not checked",
            example="day 3 between 10:00 and 16:00",
        ),
        Key("length", LENGTH, "of a meeting", "not checked", example="60 minutes"),
        Key("email", TEXT, "a mail, by its template", one=True),
        Key("survey", TEXT, "a survey, by its kind", one=True),
        Key("invite", TEXT, "a meeting, by its template", one=True),
        Key("reschedule", TEXT, "a meeting moved, by its template", one=True),
        Key("cancel", TEXT, "a meeting taken back, by its template", one=True),
        Key("slack", TEXT, "a message, by its template", one=True),
        Key(
            "task", TEXT, "a task, by the id of its step; `reply` for the one that an answer to a mail raises", one=True
        ),
        Key(
            "approval", TEXT, "a question, by the id of its step, put or put again; checked only where named", one=True
        ),
        Key("document", TEXT, "a document, by its template; checked only where named", one=True),
        Key("opportunity", TEXT, "an opportunity, by its kind; checked only where named", one=True),
        Key(
            "overdue",
            TEXT,
            "the task of an overdue stage or milestone, by its name; checked only where named",
            one=True,
        ),
        Key("webhook", TEXT, "another system is told, by the event; checked only where named", one=True),
        Key("stage", TEXT, "the customer stands there; checked only where named", one=True),
        Key("band", TEXT, "the customer stands there; checked only where named", one=True),
        Key("phase", TEXT, "the renewal stands there; checked only where named", one=True),
    ),
)
FILES = (
    *(_LIFECYCLE, _RENEWAL, _BANDS, *PROGRAMMES),
    *(_POLITENESS, _SURVEYS, _INCIDENT, _BUSINESS, _HOLIDAYS),
    *FACTS,
    *TEAM,
    *(_SCENARIO, _CUSTOMER, _HAPPENING, _EXPECTATION),
)
