"""The part of the grammar for steps that send nothing to anybody: facts, plays. `authoring.grammar` puts it in."""

from authoring.grammar_form import DOTTED_NAMES, EXPRESSION, FLAG, Key, Shape, name_of, named

STEP_KEYS = (
    Key("set", named(EXPRESSION, DOTTED_NAMES), "facts get new values, see [Setting facts](#setting-facts)", one=True),
    Key("start", name_of("playbook"), "another playbook starts, see [Other plays](#other-plays)", one=True),
    Key("stop", name_of("playbook"), "plays of that playbook end; `this`: this play", one=True),
)
"""What a step may do, each once a step."""
STEP_WORDS = (Key("goal", FLAG, "with `stop`: the plays end as a success", "no"),)
DEEDS: tuple[Shape, ...] = ()
"""The mappings of those steps."""
