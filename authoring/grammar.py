"""The language, key by key: the only list of what may be written. Readers, JSON Schema and reference are made from it.

To add a key: one line in its shape, then read it where the shape is read (`Fields(node, keys("step"), ...)`). To add a
step kind, trigger, event or touch: the same with `one=True`, and a shape of its own below when its value is a mapping.
`python -m authoring.reference` writes `playbooks/schema.json` and the tables of the reference anew.
"""

from authoring.grammar_data import DATA
from authoring.grammar_deeds import DEEDS, STEP_KEYS, STEP_WORDS
from authoring.grammar_files import FILES, MAX_DAY
from authoring.grammar_flow import FLOW
from authoring.grammar_form import (
    CONDITION,
    DAY_DEADLINE,
    DOTTED,
    FLAG,
    LENGTH,
    MEETING_TIME,
    RANGE,
    ROLE,
    ROLES,
    SNAKE_NAMES,
    STEP_NAME,
    STEP_NAMES,
    TASK_DUE,
    TEAMMATES,
    TEMPLATE,
    TEXT,
    TEXTS,
    TIME,
    VALUE,
    WINDOW,
    ZONE,
    Key,
    Kind,
    Shape,
    choice,
    either,
    list_of,
    listed,
    mapping,
    name_of,
    named,
    whole,
)
from authoring.grammar_health import HEALTH
from authoring.grammar_imports import IMPORTS
from authoring.grammar_journeys import JOURNEYS, STAGES
from lifecycle.actions import Shift
from lifecycle.surveys import FORMS

__all__ = ["DATA_KINDS", "FILE_KINDS", "GRAMMAR", "MAX_DAY", "STAGES", "WEEKENDS", "keys", "one_of"]

WEEKENDS: dict[str, Shift] = {"next_business_day": "next", "previous_business_day": "previous", "same_day": ""}
"""How a weekend or holiday moves what is due on it."""

_DAY = whole(-MAX_DAY, MAX_DAY)
_ROW = "^ *(never|[0-9]{1,3} +(day|week|month|quarter|year)s?) *$"
_INTERVAL = Kind("interval", {"type": "string", "pattern": "^ *[0-9]{1,3} +(day|week|month|quarter|year)s? *$"})

_PLAYBOOK = Shape(
    "playbook",
    "One file, one playbook.",
    (
        Key("playbook", name_of("name"), 'its name: small letters and digits, joined by "-"', required=True),
        Key("title", TEXT, "what people read", required=True),
        Key("owner", ROLE, "a role of the lifecycle file; tasks without `to` are theirs", required=True),
        Key("priority", whole(0, 100), "the higher one goes first when two want the same slot", "50"),
        Key(
            "trigger",
            either(mapping("trigger"), list_of("trigger"), Kind("`by_hand`", {"const": "by_hand"})),
            "what starts a play, one reason or a list of them; see [Triggers](#triggers)",
            required=True,
        ),
        Key("entry", CONDITION, "who qualifies, judged once, when the trigger comes", "everybody"),
        Key("exit", CONDITION, "leave early, neutral: open questions are withdrawn, meetings taken back", "never"),
        Key("goal", CONDITION, "leave early, success", "never"),
        Key(
            "anchor",
            either(choice("entry", "signup", "date"), DOTTED),
            "what day 0 is: the date of `entry`, the `signup` date, the `date` from which the trigger counts, or a "
            "date fact such as `action.due_on`",
            "`entry`; `date` for the end of a contract",
        ),
        Key(
            "inputs", named(mapping("input"), SNAKE_NAMES), "values that other files may choose, see [Inputs](#inputs)"
        ),
        Key("timing", mapping("timing"), "whose clock, and when customers may be sent something"),
        Key(
            "reentry",
            either(Kind("`once`, `always`", {"enum": ["once", "always"]}), mapping("reentry")),
            "may it run again for a customer",
            "`once`; `always` for a cadence or a contract",
        ),
        Key("steps", list_of("step"), "what it does, in order; see [Steps](#steps)", required=True),
    ),
)
_VARIANT = Shape(
    "variant",
    "A playbook that is another one with values of its own.",
    (
        Key("playbook", name_of("name"), "its name", required=True),
        Key("uses", name_of("playbook"), "the other playbook", required=True),
        Key("title", TEXT, "what people read", "the other's"),
        Key("owner", ROLE, "a role of the lifecycle file", "the other's"),
        Key("entry", CONDITION, "who qualifies, besides what the other says", "the other's"),
        Key("priority", whole(0, 100), "as in any playbook", "the other's"),
        Key("inputs", named(VALUE, SNAKE_NAMES), "values by the name of the input", "the other's"),
    ),
)
_INPUT = Shape(
    "input",
    "A value of a playbook that other files may choose.",
    (
        Key(
            "type", choice("number", "text", "boolean", "role", "time", "length", "choice"), "what it is", required=True
        ),
        Key("default", VALUE, "its value where nobody chooses another", required=True),
        Key("range", RANGE, "of a number: from the lowest to the highest", example="5-20"),
        Key("choices", listed(VALUE), "of a choice: all it can be"),
        Key("title", TEXT, "what people read"),
    ),
)
_TIMING = Shape(
    "timing",
    "When a playbook's steps happen.",
    (
        Key(
            "zone", ZONE, "whose clock: `customer`, a teammate role, or a zone such as `America/New_York`", "`customer`"
        ),
        Key("at", TIME, "the time of a step that names a day and no time", '`"09:00"`'),
        Key("window", WINDOW, "when customers may be sent something", '`"08:00-18:00"`'),
        Key(
            "weekend",
            choice(*WEEKENDS),
            "what the customer sees (emails, surveys, invites) on a weekend or holiday: `next_business_day` and "
            "`previous_business_day` move it, `same_day` does not",
            "`next_business_day`",
        ),
    ),
)
_REENTRY = Shape(
    "reentry",
    "When a playbook may run again for a customer.",
    (
        Key("again_after", LENGTH, "that long after the last one ended, at the earliest"),
        Key(
            "per",
            either(DOTTED, Kind("`contract`", {"const": "contract"})),
            "one play beside another for each value of this text fact, which the trigger's event carries, or for each "
            "term of each `contract`",
        ),
    ),
    some=("again_after", "per"),
)
_TRIGGER = Shape(
    "trigger",
    "What starts a play; exactly one reason.",
    (
        Key("stage", TEXT, "on entering the stage", one=True, example="onboarding"),
        Key("leaving_stage", TEXT, "on leaving the stage", one=True, example="onboarding"),
        Key("band", TEXT, "on entering the health band", one=True, example="red"),
        Key("leaving_band", TEXT, "on leaving the health band", one=True, example="green"),
        Key("event", DOTTED, "when it happens", one=True, example="nps.answered"),
        Key("when", CONDITION, "when the condition becomes true", one=True, example="usage.dau_wau < 0.5"),
        Key("silence", DOTTED, "when no such event came for the time in `for`", one=True, example="user.logged_in"),
        Key("date", DOTTED, "on a date fact, or on `contract.ends_on` of each contract", one=True),
        Key(
            "every",
            either(_INTERVAL, list_of("cadence")),
            "again and again, counted from the signup date: `1 week`, `2 weeks`, `1 month`, `3 months`, `1 year`; or "
            "rows of which the first that applies counts",
            one=True,
            example="1 month",
        ),
        Key("where", CONDITION, "with `event`: only if this holds then"),
        Key("for", LENGTH, "with `when` and `silence`: that long without a break"),
        Key("before", LENGTH, "with `date`: so many days or weeks before it"),
        Key("after", LENGTH, "with `date`: so many days or weeks after it"),
    ),
)
_CADENCE = Shape(
    "cadence",
    "One row of `every`.",
    (
        Key(
            "every",
            Kind("interval or `never`", {"type": "string", "pattern": _ROW}),
            "how often; with `if` also `never`: not at all where this row is the first that applies",
            required=True,
        ),
        Key("if", CONDITION, "for whom", "everybody"),
        Key("until", Kind("day", {"type": "string", "pattern": "^ *day [0-9]{1,4} *$"}), "up to that day", "for ever"),
    ),
)
_STEP = Shape(
    "step",
    "One thing that a playbook does.",
    (
        Key("id", name_of("name"), "once in the file; customers in flight are matched by it", required=True),
        Key("was", name_of("name"), "the id that it had before, so that it is known again when plays are moved"),
        Key("day", _DAY, "due on that calendar day from the anchor (day 0; negative is before)"),
        Key("at", TIME, "with `day`: the local time", "the playbook's"),
        Key("after", mapping("after"), "due that long after another step was settled"),
        Key("if", CONDITION, "judged when the step is due; not met means skipped, and the trace says why"),
        Key(
            "needs",
            STEP_NAMES,
            "not before these steps are settled, whatever became of them; a step of a branch that was not taken does "
            "not hold it up",
        ),
        Key("catch_up", FLAG, "when the due was already past as the play started, do it now instead of skipping", "no"),
        Key("weekend", choice(*WEEKENDS), "this step's own shift; also for Slack and tasks, which otherwise stay"),
        Key("approval", mapping("approval"), "ask a person first, see [Approvals](#approvals)"),
        Key("email", mapping("email"), "a mail to people at the customer", one=True),
        Key("slack", mapping("slack"), "a message to teammates", one=True),
        Key("invite", mapping("invite"), "a meeting", one=True),
        Key("survey", mapping("survey"), "a survey to people at the customer", one=True),
        Key("task", mapping("task"), "work for teammates", one=True),
        Key("wait", mapping("wait"), "until something happens, see [Waiting](#waiting)", one=True),
        *STEP_KEYS,
        *STEP_WORDS,
        Key("choose", list_of("way"), "go one of several ways, see [Choosing](#choosing)", one=True),
        Key("repeat", mapping("repeat"), "rounds of steps, see [Repeating](#repeating)", one=True),
        Key("do", list_of("step"), "at a repeat: the steps of each round"),
        Key("then", list_of("step"), "at a wait or repeat: steps when it came in time"),
        Key("otherwise", list_of("step"), "at a wait or repeat: steps when it did not"),
    ),
)
_AFTER = Shape(
    "after",
    "A due counted from another step.",
    (
        Key("step", STEP_NAME, "the other step", required=True),
        Key("delay", LENGTH, "how long after it was settled", "right then"),
    ),
)
_APPROVAL = Shape(
    "approval",
    "A question to a person before a step happens.",
    (
        Key("by", ROLE, "who answers; the managers of the lifecycle file may, too", required=True),
        Key("within", LENGTH, "how long there is to answer", required=True),
        Key("ahead", LENGTH, "asked that long before the step is due", "asked when it is due"),
        Key("remind", LENGTH, "ask again after this long", "never"),
        Key("escalate", list_of("rung"), "whom to ask as well, and when", "nobody"),
        Key(
            "expired", choice("skip", "proceed"), "nobody answered: `skip` it and raise a task, or `proceed`", "`skip`"
        ),
    ),
)
_RUNG = Shape(
    "rung",
    "One rung of an escalation.",
    (
        Key("after", LENGTH, "that long after the question was put", required=True),
        Key("to", ROLE, "ask this teammate role as well", required=True),
    ),
)
_TO_CUSTOMER = Key("to", ROLES, "roles at the customer, one or a list", required=True, example="champion")
_TEAM = "teammate roles, one or a list; or a text fact that says which"
_TO_TEAM = Key("to", TEAMMATES, _TEAM, required=True, example="csm")
_FROM = Key("from", ROLE, "the teammate who writes", "`csm`")
_EMAIL = Shape(
    "email",
    "A mail to people at the customer.",
    (
        _TO_CUSTOMER,
        Key("template", TEMPLATE, "below `templates/email/`", required=True, example="onboarding/welcome"),
        _FROM,
    ),
)
_SLACK = Shape(
    "slack",
    "A message to teammates.",
    (_TO_TEAM, Key("template", TEMPLATE, "below `templates/slack/`", required=True, example="onboarding/nudge")),
)
_INVITE = Shape(
    "invite",
    "A meeting in the organizer's first free time between two hours of a day.",
    (
        Key("to", ROLES, "roles at the customer and teammates", required=True, example="[champion, csm]"),
        Key("template", TEMPLATE, "below `templates/invites/`", required=True, example="onboarding/kickoff"),
        Key("when", MEETING_TIME, "its day and hours", required=True, example='"day 3 between 10:00 and 16:00"'),
        Key("length", LENGTH, "minutes or hours", required=True, example="60 minutes"),
        Key("organizer", ROLE, "the teammate whose calendar counts", "`csm`"),
    ),
)
_SURVEY = Shape(
    "survey",
    "A survey to people at the customer.",
    (
        Key("kind", choice(*FORMS), "which one, see [Surveys](#surveys)", required=True, example="nps"),
        _TO_CUSTOMER,
        Key("template", TEMPLATE, "below `templates/surveys/`", "as `kind`"),
        _FROM,
    ),
)
_TASK = Shape(
    "task",
    "Work for teammates.",
    (
        Key("to", TEAMMATES, _TEAM, "the owner", example="csm"),
        Key("title", TEXT, "what to do, a template text", required=True, example='"Call {{ customer.name }}"'),
        Key(
            "due",
            TASK_DUE,
            "how long there is, or until which day: `day 0 at 17:00`",
            "1 business day",
            example="2 business days",
        ),
        Key("checklist", TEXTS, "lines to tick", example='["Called them"]'),
    ),
)
_WAIT = Shape(
    "wait",
    "Until something happens, or the deadline comes.",
    (
        Key("until", CONDITION, "what must hold", one=True, example="milestones.technical_setup"),
        Key("event", DOTTED, "what must happen; what happened since the play's day 0 counts", one=True),
        Key(
            "since", STEP_NAME, "with `event`: a step, or `entry` for the play's start; what came before does not count"
        ),
        Key(
            "by",
            DAY_DEADLINE,
            "the deadline: `day 5`, `day 5 at 17:00`, or a length from the moment the wait opened; never moved for "
            "weekends",
            required=True,
            example="day 5 at 17:00",
        ),
    ),
)
_LANGUAGE = (
    *(_PLAYBOOK, _VARIANT, _INPUT, _TIMING, _REENTRY, _TRIGGER, _CADENCE, _STEP, _AFTER, _APPROVAL, _RUNG),
    *(_EMAIL, _SLACK, _INVITE, _SURVEY, _TASK, _WAIT),
)
GRAMMAR: dict[str, Shape] = {
    shape.name: shape for shape in (*_LANGUAGE, *FLOW, *DEEDS, *FILES, *JOURNEYS, *HEALTH, *DATA, *IMPORTS)
}
"""Every mapping that an author writes, by the name of its shape."""
FILE_KINDS = {
    "scenario": "scenario",
    "playbook": "playbook",
    "lifecycle": "lifecycle",
    "facts": "facts",
    "events": "facts",
    "people": "team",
    "health_model": "health_model",
    "journey": "journey",
    "checklists": "checklists",
}
"""What a file is by the first of these keys that it has; a scenario has `playbook` and `events`, too."""
DATA_KINDS = {"import": "import", "assume": "answers", "accounts": "portfolio"}
"""Files besides them that no playbook needs, told apart likewise; a mapping has `accounts` and `events`, too."""


def keys(shape: str) -> tuple[str, ...]:
    """The keys that a mapping may have: what its reader takes as known."""
    return GRAMMAR[shape].names


def one_of(shape: str) -> tuple[str, ...]:
    """The keys of which a mapping has exactly one: actions of a step, reasons of a trigger, kinds of an event."""
    return GRAMMAR[shape].one_of
