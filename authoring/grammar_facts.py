"""The catalogue of facts and events, key by key. Part of `authoring.grammar`."""

from authoring.grammar_form import (
    DOTTED,
    DOTTED_NAMES,
    FLAG,
    LENGTH,
    NUMBER,
    RANGE,
    ROLE,
    TEXT,
    VALUE,
    WORDS,
    Key,
    Shape,
    choice,
    mapping,
    named,
)
from lifecycle.windows import HOW

_FACTS = Shape(
    "facts",
    "The catalogue: conditions and templates may use no other names.",
    (
        Key("facts", named(mapping("fact"), DOTTED_NAMES), "what is known of customers, by dotted name"),
        Key("events", named(mapping("event"), DOTTED_NAMES), "what happens to customers, by dotted name"),
    ),
    some=("facts", "events"),
)
_FACT = Shape(
    "fact",
    "A measure.",
    (
        Key("type", choice("number", "boolean", "text", "date"), "what it is", required=True),
        Key("title", TEXT, "what people read"),
        Key("unit", TEXT, "such as `users`"),
        Key("range", RANGE, "from the lowest to the highest, `0-1`"),
        Key("resolution", NUMBER, "a smaller change is stored and not told to the plays"),
        Key("choices", WORDS, "all it can be; a comparison with any other text is a mistake"),
        Key("owner", ROLE, "the teammate role who can say it where nobody has, for documents", "the playbook's owner"),
        Key("shown_only", FLAG, "it is for people to see; no warning that no playbook asks for it", "no"),
        Key("by_day", FLAG, "it is kept by the day, for what is derived from it, and never told to plays", "no"),
        Key("derived", mapping("derived"), "worked out from what came day by day, see [Windows](#windows)"),
    ),
)
_DERIVED = Shape(
    "derived",
    "How a fact follows from what came day by day.",
    (
        Key("from", DOTTED, "an event, or a number that is reported", required=True, example="user.logged_in"),
        Key("how", choice(*HOW), "what is made of it", required=True),
        Key("window", LENGTH, "how many days; only `days_since` has none", example="30 days"),
        Key("against", LENGTH, "of a comparison: the days right before these", "as many", example="30 days"),
        Key(
            "at_least",
            NUMBER,
            "of a comparison: what must have come in the time before; of `mean_change`: on so many days",
            "1; 0 for `trend`",
        ),
    ),
)
_EVENT = Shape(
    "event",
    "Something that happens.",
    (
        Key("title", TEXT, "what people read"),
        Key("sets", named(VALUE, DOTTED_NAMES), "the facts that are known by it, with their values"),
    ),
)
FACTS = (_FACTS, _FACT, _DERIVED, _EVENT)
