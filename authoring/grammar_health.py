"""Health models, key by key. Part of `authoring.grammar`."""

from authoring.grammar_form import (
    CONDITION,
    EXPRESSION,
    SNAKE_NAME,
    TEXT,
    Key,
    Shape,
    either,
    list_of,
    mapping,
    name_of,
    plainly,
    whole,
)

LEFT_OUT = "left_out"
_UNKNOWN = either(plainly(LEFT_OUT), whole(0, 100))
_PERCENT = whole(1, 100)

HEALTH = (
    Shape(
        "health_model",
        "What makes the health score of a customer; one file, one model.",
        (
            Key("health_model", name_of("name"), "its name, for `health` in the lifecycle file", required=True),
            Key("title", TEXT, "what people read", "the name"),
            Key("bands", mapping("bands"), "lowest score of each", required=True),
            Key(
                "unknown",
                _UNKNOWN,
                "what a metric counts as that cannot be told: `left_out`, and its component is judged by the others; "
                "or 0 to 100",
                "`left_out`",
            ),
            Key(
                "least_known",
                whole(0, 100),
                "percent of the model that must be known; with less there is no score",
                "0",
            ),
            Key("ranges", list_of("health_range"), "what the team does about which score, the best first"),
            Key("components", list_of("health_component"), "what the score is made of", required=True),
        ),
    ),
    Shape(
        "health_range",
        "What the team does about a score.",
        (
            Key("from", whole(0, 100), "the lowest score of the range", required=True),
            Key("title", TEXT, "what people call it", required=True),
            Key("action", TEXT, "what the team does"),
        ),
    ),
    Shape(
        "health_component",
        "A part of the score.",
        (
            Key("component", SNAKE_NAME, "its name", required=True),
            Key("title", TEXT, "what people read", "the name"),
            Key("weight", _PERCENT, "percent of the score; all together 100", required=True),
            Key("metrics", list_of("health_metric"), "what it is judged by", required=True),
        ),
    ),
    Shape(
        "health_metric",
        "One thing that a component is judged by.",
        (
            Key("metric", SNAKE_NAME, "its name", required=True),
            Key("title", TEXT, "what people read", "the name"),
            Key("weight", _PERCENT, "its part of the component's weight; all or none have one", "equal parts"),
            Key("good", CONDITION, "100 where this holds, else 0", one=True, example="usage.dau_wau > 0.6"),
            Key("value", EXPRESSION, "a number from 0 to 100", one=True, example="nps.score * 10"),
            Key("middle", CONDITION, "with `good`: 50 where only this holds"),
            Key("unknown", _UNKNOWN, "what it counts as where it cannot be told", "as the model says"),
        ),
    ),
)
