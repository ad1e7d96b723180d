"""Risks, who answers tickets, programmes: what the lifecycle file lists for people. Part of `authoring.grammar`."""

from authoring.grammar_form import DOTTED, TEXT, WORDS, Key, Kind, Shape, name_of, whole

_RISK = Shape(
    "risk",
    "A risk that a note of a call may name.",
    (
        Key("title", TEXT, "what people read", "the name"),
        Key("words", WORDS, "a concern that holds one of these names it; beginnings of words", required=True),
        Key("play", name_of("playbook"), "the playbook that is suggested, and never started by itself", required=True),
    ),
)
_STAFFING = Shape(
    "staffing",
    "Who answers tickets from so many a week on.",
    (
        Key("from", whole(0, 100_000), "so many tickets a week", required=True),
        Key("who", TEXT, "who answers them", required=True),
    ),
)
_SUPPORT = Shape(
    "support_plan",
    "What support promises a tier, or sells as an add-on; for people.",
    (
        Key("title", TEXT, "what people read", "the name"),
        Key("price", TEXT, "a month, such as `$500`", required=True),
        Key("answer", TEXT, "how soon there is a first answer", required=True),
        Key("channels", WORDS, "where they may ask"),
        Key("gets", TEXT, "what else they get"),
    ),
)
_TARGET = Kind("number or range", {"type": ["integer", "string"], "pattern": "^ *[0-9]{1,6}( *- *[0-9]{1,6})? *$"})
_PROGRAMME = Shape(
    "programme",
    "What customers may take part in: counted by a fact, or by an event of the calendar year.",
    (
        Key("title", TEXT, "what people read", "the name"),
        Key("target", _TARGET, "how many there should be, such as `10` or `8-12`", required=True),
        Key("fact", DOTTED, "true for a customer who takes part, or how many there take part", one=True),
        Key("event", DOTTED, "what is counted of a calendar year", one=True),
        Key("benefits", TEXT, "what those who take part get"),
    ),
)
PROGRAMMES = (_RISK, _STAFFING, _SUPPORT, _PROGRAMME)
