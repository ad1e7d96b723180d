"""Journeys, key by key: stages, milestones, and the files that have them. Part of `authoring.grammar`."""

from authoring.grammar_form import (
    CONDITION,
    ROLE,
    SNAKE_NAMES,
    TEXT,
    Key,
    Kind,
    Shape,
    choice,
    list_of,
    listed,
    mapping,
    name_of,
    named,
    span,
    whole,
)

STAGES = ("new", "onboarding", "adoption", "value", "expansion", "advocacy")
_DAYS = span("days", 0)
_JOURNEY = Shape(
    "journey",
    "Another journey than the standard one; a file each.",
    (
        Key("journey", name_of("name"), "its name, which a signup says", required=True),
        Key("title", TEXT, "what people read", "the name"),
        Key("stages", list_of("stage"), "those that it has, in order", required=True),
        Key("milestones", named(mapping("journey_milestone"), SNAKE_NAMES), "what it wants reached, and by when"),
    ),
)
_STAGE = Shape(
    "stage",
    "One stage of the journey.",
    (
        Key("stage", choice(*STAGES), "which one", required=True),
        Key(
            "owner",
            listed(ROLE),
            "the teammate role that answers for it; of several the first is asked, and all may move the customer",
            required=True,
        ),
        Key("days", _DAYS, "from and to day: `1-14`, `0`, `181+`", required=True),
        Key("done", CONDITION, "what must hold for the customer to leave it", "the next stage opens"),
    ),
)
_REACHED = (
    Key("title", TEXT, "what people read", "the name"),
    Key("when", CONDITION, "reached when this holds"),
    Key("ticked_by", listed(ROLE), "reached when one of these roles says so"),
)
_BY = Kind("day", {"type": "string", "pattern": "^ *day +[0-9]{1,4} *$"})
_WANTED = (
    Key("by", _BY, "the day of the journey by whose end it is wanted", "any day", example="day 30"),
    Key("owner", ROLE, "with `by`: the teammate role that gets a task when it is missed", "it only shows"),
    Key("share", whole(1, 100), "with `by`: how many percent of the customers should reach it by then"),
)
_MILESTONE = Shape(
    "milestone",
    "A named achievement.",
    (*_REACHED, *_WANTED),
    some=("when", "ticked_by"),
)
_JOURNEY_MILESTONE = Shape(
    "journey_milestone",
    "What a journey wants reached: a milestone of the lifecycle file, or one of its own, with `title`, `when` and "
    "`ticked_by`.",
    (*_WANTED, *_REACHED),
)
_STEPS = Kind("`playbook/step`", {"type": "string", "pattern": "^[a-z0-9-]+/[a-z0-9-]+$"})
_CHECKLISTS = Shape(
    "checklists",
    "What the phases of a customer are made of; one file.",
    (Key("checklists", list_of("checklist"), "the phases, in the order in which they are shown", required=True),),
)
_CHECKLIST = Shape(
    "checklist",
    "One phase.",
    (
        Key("phase", name_of("name"), "its name", required=True),
        Key("title", TEXT, "what people read", "the name"),
        Key("items", list_of("checklist_item"), "what it is made of, in order", required=True),
    ),
)
_ITEM = Shape(
    "checklist_item",
    "One item of a phase.",
    (
        Key("item", TEXT, "what people read", required=True),
        Key("done", CONDITION, "done while this holds", example="milestones.first_value"),
        Key("steps", listed(_STEPS), "done once one of these steps was: sent or, of a task, ticked"),
    ),
    some=("done", "steps"),
)
JOURNEYS = (_JOURNEY, _STAGE, _MILESTONE, _JOURNEY_MILESTONE, _CHECKLISTS, _CHECKLIST, _ITEM)
