"""How the grammar is written down: kinds of values, keys, and the mappings that hold them. `authoring.grammar` uses it.

A kind knows how people say it and the JSON Schema of what may be written; where a value may be written, an input of the
playbook may stand in its place (`inputs.owner_role`).
"""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
INPUT = {"type": "string", "pattern": "^inputs\\.[a-z][a-z0-9_]*$"}
_KEBAB = "[a-z0-9]+(-[a-z0-9]+)*"
_DOTTED = "[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]"
_LENGTH = " *[0-9]{1,5} +(business +(hour|day)s?|(minute|hour|day|week)s?) *"
_SINGLE = ["string", "number", "boolean"]
_MOST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Kind:
    """What may stand as a value. `shown`: in words; `schema`: as JSON Schema."""

    shown: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a mapping. `doc`: what it means, Markdown for a table's cell; `default`: what counts when it is left
    out, in words; `one`: of the keys so marked a mapping has exactly one; `example`: a value as it may be written.
    """

    name: str
    kind: Kind
    doc: str
    default: str = ""
    required: bool = False
    one: bool = False
    example: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """One mapping of the language. `name`: as the schema and the reference call it; `doc`: what it is, one sentence;
    `some`: at least one of these keys must stand.
    """

    name: str
    doc: str
    keys: tuple[Key, ...]
    some: tuple[str, ...] = ()
    by_name: dict[str, Key] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {key.name: key for key in self.keys})

    @property
    def names(self) -> tuple[str, ...]:
        """Every key, in the order written down."""
        return tuple(self.by_name)

    @property
    def one_of(self) -> tuple[str, ...]:
        """The keys of which exactly one must stand; of most mappings none."""
        return tuple(key.name for key in self.keys if key.one)


def _form(shown: str, pattern: str, *, types: tuple[str, ...] = ("string",)) -> Kind:
    """A value of one form, or an input."""
    return Kind(shown, {"anyOf": [{"type": list(types), "pattern": f"^({pattern})$"}, INPUT]})


def name_of(what: str) -> Kind:
    """A kebab-case name; never an input, because names are identities."""
    return Kind(what, {"type": ["string", "integer"], "pattern": f"^{_KEBAB}$", "maxLength": 64})


def choice(*words: str) -> Kind:
    """One of a few words."""
    return Kind(" or ".join(f"`{word}`" for word in words), {"anyOf": [{"enum": list(words)}, INPUT]})


def plainly(*words: str) -> Kind:
    """One of a few words, where no input may stand."""
    return Kind(" or ".join(f"`{word}`" for word in words), {"enum": list(words)})


def whole(low: int, high: int) -> Kind:
    """A whole number within a range."""
    number = {"type": "integer", "minimum": low, "maximum": high}
    return Kind(f"{low} to {high}", {"anyOf": [number, INPUT]})


def mapping(shape: str) -> Kind:
    """A mapping of another shape."""
    return Kind("mapping", {"$ref": f"#/$defs/{shape}"})


def span(what: str, low: int) -> Kind:
    """A number from `low` on, or a range of them: `30`, `20-30` or `100+`."""
    form = "^ *[0-9]{1,4}(-[0-9]{1,4}|\\+)? *$"
    return Kind(what, {"type": ["string", "integer"], "pattern": form, "minimum": low})


def list_of(shape: str) -> Kind:
    """A list of mappings of another shape."""
    return Kind("list", {"type": "array", "items": {"$ref": f"#/$defs/{shape}"}})


def either(*kinds: Kind) -> Kind:
    """One kind or another."""
    return Kind(" or ".join(kind.shown for kind in kinds), {"anyOf": [kind.schema for kind in kinds]})


def named(kind: Kind, pattern: str = "^.+$") -> Kind:
    """A mapping from names of the author's to values of one kind."""
    names = {"type": "object", "additionalProperties": False, "patternProperties": {pattern: kind.schema}}
    return Kind("names", names)


def listed(kind: Kind) -> Kind:
    """One value or a list of values, each once."""
    many = {"type": "array", "items": kind.schema, "minItems": 1, "uniqueItems": True}
    return Kind(f"{kind.shown}, or a list", {"anyOf": [kind.schema, many]})


TEXT = Kind("text", {"type": _SINGLE, "minLength": 1, "maxLength": _MOST_TEXT})
TEXTS = Kind("list of texts", {"type": "array", "items": TEXT.schema})
CONDITION = Kind("condition", {"type": _SINGLE, "minLength": 1, "maxLength": 500})
VALUE = Kind("value", {"type": _SINGLE, "minLength": 1, "maxLength": _MOST_TEXT})
EXPRESSION = Kind("expression", CONDITION.schema)
FLAG = Kind("`yes` or `no`", {"anyOf": [{"type": "boolean"}, {"enum": ["yes", "no", "Yes", "No", "YES", "NO"]}, INPUT]})
NUMBER = Kind("number", {"anyOf": [{"type": "number"}, INPUT]})
LENGTH = _form("length", _LENGTH)
TIME = _form("time", _CLOCK)
WINDOW = _form("two times", f" *{_CLOCK} *- *{_CLOCK} *")
DAY_AND_TIME = _form("day and time", f" *day +-?[0-9]{{1,4}} +at +{_CLOCK} *")
DAY_DEADLINE = _form("deadline", f" *day +-?[0-9]{{1,4}}( +at +{_CLOCK})? *|{_LENGTH}")
MEETING_TIME = _form("day and two times", f" *day +-?[0-9]{{1,4}} +between +{_CLOCK} +and +{_CLOCK} *")
ZONE = Kind("zone", {"type": "string", "minLength": 1})
ROLE = _form("role", "[a-z][a-z0-9]*(_[a-z0-9]+)*")
ROLES = listed(ROLE)
TEAMMATES = listed(_form("role", f"[a-z][a-z0-9]*(_[a-z0-9]+)*|{_DOTTED}"))
"""Teammate roles, or text facts that say which."""
STEP_NAME = Kind("step", {"type": ["string", "integer"], "pattern": f"^{_KEBAB}$"})
STEP_NAMES = listed(STEP_NAME)
TEMPLATE = _form("template", "[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)*", types=("string", "integer"))
WORDS = listed(Kind("text", VALUE.schema))
NAME = Kind("name", {"type": "string", "minLength": 1})
TASK_DUE = _form("length or day", f" *day +-?[0-9]{{1,4}}( +at +{_CLOCK})? *|{_LENGTH}")
DOTTED = Kind("dotted name", {"anyOf": [{"type": "string", "pattern": f"^{_DOTTED}$"}, INPUT]})
DOTTED_NAMES = f"^{_DOTTED}$"
SNAKE_NAMES = "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
SNAKE_NAME = Kind("name", {"type": "string", "pattern": SNAKE_NAMES, "maxLength": 64})
RANGE = Kind("range", {"type": "string", "pattern": "^ *-?[0-9]+(\\.[0-9]+)?--?[0-9]+(\\.[0-9]+)? *$"})
DATE = Kind("date", {"type": "string", "minLength": 1})
