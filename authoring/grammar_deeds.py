"""The part of the grammar for steps besides messages: meetings that change, facts, plays, what is kept."""

from authoring.grammar_form import (
    DOTTED,
    DOTTED_NAMES,
    EXPRESSION,
    FLAG,
    LENGTH,
    MEETING_TIME,
    NUMBER,
    ROLE,
    SNAKE_NAME,
    STEP_NAME,
    TEMPLATE,
    TEXT,
    TEXTS,
    Key,
    Shape,
    mapping,
    name_of,
    named,
)

STEP_KEYS = (
    Key("reschedule", mapping("reschedule"), "a meeting moves, see [Moving meetings](#moving-meetings)", one=True),
    Key("cancel", mapping("cancel"), "a meeting is taken back, see [Moving meetings](#moving-meetings)", one=True),
    Key("set", named(EXPRESSION, DOTTED_NAMES), "facts get new values, see [Setting facts](#setting-facts)", one=True),
    Key("start", name_of("playbook"), "another playbook starts, see [Other plays](#other-plays)", one=True),
    Key("stop", name_of("playbook"), "plays of that playbook end; `this`: this play", one=True),
    Key("document", mapping("document"), "a document is made, see [Documents](#documents)", one=True),
    Key(
        "opportunity", mapping("opportunity"), "something could be sold, see [Opportunities](#opportunities)", one=True
    ),
    Key("webhook", mapping("webhook"), "another system is told, see [Other systems](#other-systems)", one=True),
    Key("escalate", mapping("escalate"), "work for the next person up, see [Escalating](#escalating)", one=True),
)
"""What a step may do, each once a step."""
STEP_WORDS = (Key("goal", FLAG, "with `stop`: the plays end as a success", "no"),)
_RESCHEDULE = Shape(
    "reschedule",
    "A meeting moves to another day.",
    (
        Key("invite", STEP_NAME, "the step that invites to it", required=True, example="kickoff"),
        Key("when", MEETING_TIME, "its new day and hours", required=True, example='"day 5 between 10:00 and 16:00"'),
    ),
)
_CANCEL = Shape(
    "cancel",
    "A meeting is taken back.",
    (
        Key("invite", STEP_NAME, "the step that invites to it", required=True, example="kickoff"),
        Key("reason", TEXT, "why, for the trace; its guests only learn that it is", "called off"),
    ),
)
_DOCUMENT = Shape(
    "document",
    "A document for one person.",
    (
        Key("template", TEMPLATE, "below `templates/documents/`", required=True, example="success-plan"),
        Key("for", ROLE, "whom it is made for: a teammate, or a role at the customer", required=True, example="csm"),
        Key("title", TEXT, "its title, a template text", required=True, example='"Plan for {{ customer.name }}"'),
    ),
)
_OPPORTUNITY = Shape(
    "opportunity",
    "Something that could be sold to the customer.",
    (
        Key("kind", SNAKE_NAME, "a word of your own", required=True, example="seat_expansion"),
        Key("title", TEXT, "what people read, a template text", required=True, example='"More seats"'),
        Key("owner", ROLE, "the teammate who sees to it", "the owner"),
        Key("value", EXPRESSION, "what it is worth, an expression", "not known", example="customer.arr * 0.2"),
        Key("commission", NUMBER, "of that, in percent", "none", example="5"),
        Key("closes", LENGTH, "how soon it should be closed", "60 days", example="60 days"),
    ),
)
_ESCALATE = Shape(
    "escalate",
    "Work for the next person up.",
    (
        Key("above", ROLE, "whose superior: the first of the role's fallback chain who is somebody else", "the owner"),
        Key("title", TEXT, "what to do, a template text", required=True, example='"Look at {{ customer.name }}"'),
        Key("due", LENGTH, "how long there is", "1 business day", example="4 business hours"),
        Key("checklist", TEXTS, "lines to tick", example='["Called them"]'),
    ),
)
_WEBHOOK = Shape(
    "webhook",
    "A signed message to another system.",
    (
        Key("to", name_of("name"), "the endpoint, as the setting `STAGEPLAY_WEBHOOKS` calls it", required=True),
        Key("event", DOTTED, "what happened, in words joined by dots", required=True, example="renewal.won"),
        Key("data", named(EXPRESSION, "^[a-z][a-z0-9_]*$"), "what to tell: expressions by name"),
    ),
)
DEEDS = (_RESCHEDULE, _CANCEL, _DOCUMENT, _OPPORTUNITY, _WEBHOOK, _ESCALATE)
"""The mappings of those steps."""
