"""The mappings of the language that say where a play goes: the ways of a choice, and rounds."""

from authoring.grammar_form import CONDITION, LENGTH, Key, Shape, list_of, whole

MAX_ROUNDS = 100

FLOW = (
    Shape(
        "way",
        "One of the ways that a play can go.",
        (
            Key("if", CONDITION, "when this way is taken", "the last of them: when no other is"),
            Key("steps", list_of("step"), "the steps of this way", required=True),
        ),
    ),
    Shape(
        "repeat",
        "Rounds of steps, until something holds.",
        (
            Key("every", LENGTH, "from the beginning of a round to that of the next", required=True, example="1 week"),
            Key("until", CONDITION, "no round goes on once this holds", required=True),
            Key("at_most", whole(1, MAX_ROUNDS), "so many rounds", required=True),
        ),
    ),
)
