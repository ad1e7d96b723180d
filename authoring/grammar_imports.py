"""Mapping files of imports, key by key. Part of `authoring.grammar`."""

from authoring.grammar_form import (
    DATE,
    DOTTED,
    DOTTED_NAMES,
    NAME,
    TEXT,
    Key,
    Kind,
    Shape,
    either,
    list_of,
    mapping,
    name_of,
    named,
    plainly,
)
from authoring.namespace import CUSTOMER_ROLES

SEPARATORS = {"comma": ",", "semicolon": ";", "tab": "\t"}
ENCODINGS = ("utf-8", "latin-1", "utf-16")
STAGE_BY = ("signup", "criteria")
CAME_BACK = ("with a later contract", "never")
_ANY = {"type": ["string", "number", "boolean"]}
_COLUMN = Kind("column", {**_ANY, "minLength": 1})
_CELL = Kind("cell", {"anyOf": [_COLUMN.schema, {"$ref": "#/$defs/cell"}]})
_MEASURE = Kind("cell or measure", {"anyOf": [*_CELL.schema["anyOf"], {"$ref": "#/$defs/measure"}]})
_STAGE = Kind("column or mapping", {"anyOf": [_COLUMN.schema, {"$ref": "#/$defs/import_stage"}]})
_ACCOUNT = Kind(
    "column, or column and file",
    {
        "anyOf": [
            _COLUMN.schema,
            {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": _COLUMN.schema},
        ]
    },
)
_ONLY = Kind(
    "texts by column",
    {"type": "object", "additionalProperties": {"anyOf": [_ANY, {"type": "array", "items": _ANY}]}},
)
_VALUES = Kind("meanings by text", {"type": "object", "additionalProperties": _COLUMN.schema})
_DATES = Kind("form of dates", {"type": "string", "pattern": "^[^a-zA-Z]*([dD]{2}|[mM]{2}|[yY]{4})"})
_WITHIN = Kind("days", {"type": "string", "pattern": "^ *[1-9][0-9]{0,4} days? *$"})
_ROWS = Kind("`rows`", _COLUMN.schema)
_FROM = Key("from", NAME, "a name of `files`", required=True)
_ONLY_KEY = Key("only", _ONLY, "which rows count: column to the text, or one of the texts, that it holds", "all")
_MEANS = (
    Key("values", _VALUES, "what is written, and what it means"),
    Key(
        "otherwise",
        TEXT,
        "what any other text is: `keep` (itself), `nothing` (as if empty), or a value",
        "`keep`; with `values` it is reported and left out",
    ),
)


def _parts(shape: str) -> Kind:
    """One section, or a list of them."""
    return either(mapping(shape), list_of(shape))


_MAPPING = Shape(
    "import",
    "What the files of an export mean.",
    (
        Key("import", name_of("name"), "the source; with an account's id the identity of a placement", required=True),
        Key("title", TEXT, "what people read"),
        Key("as_of", DATE, "the day of which the data are; rows of later days count for nothing", "today"),
        Key("dates", _DATES, "how dates are written, such as `mm/dd/yyyy`", "`yyyy-mm-dd`", example="dd-mm-yyyy"),
        Key("separator", plainly(*SEPARATORS), "between the cells", "`comma`"),
        Key("files", named(mapping("import_file"), "^.+$"), "the CSV files, by names of your own", required=True),
        Key("accounts", mapping("import_accounts"), "the customers", required=True),
        Key("contacts", _parts("import_contacts"), "people; two rows with one address are one person"),
        Key("contracts", mapping("import_contracts"), "each row that runs on the day is a contract of its own"),
        Key("facts", named(_MEASURE, DOTTED_NAMES), "what is known, by facts of the catalogue"),
        Key("stage", _STAGE, "where a customer stands", "`{ by: signup }`"),
        Key("churned", _parts("import_churned"), "what says that an account has left; it goes before `stage`"),
        Key("events", _parts("import_events"), "what becomes an event of a simulation, once it lies after the day"),
    ),
)
_FILE = Shape(
    "import_file",
    "One CSV file.",
    (
        Key("path", NAME, "below the folder of the data", required=True),
        Key(
            "account",
            _ACCOUNT,
            "the column with the account's id; or `{ subscription_id: subscriptions }`, the column with the `id` of a "
            "row of another file, whose account it is",
            required=True,
        ),
        Key("id", _COLUMN, "a column that no two rows share; a repeated one is reported, and its row is not taken"),
        Key("on", _COLUMN, "the day on which a row happened"),
        Key("starts", _COLUMN, "the day from which a row holds", "always"),
        Key("ends", _COLUMN, "the first day on which a row no longer holds; an empty cell: it still holds", "never"),
        Key("dates", _DATES, "how its dates are written; a time of day behind a date is ignored", "the mapping's"),
        Key("separator", plainly(*SEPARATORS), "between its cells", "the mapping's"),
        Key("encoding", plainly(*ENCODINGS), "of its text; a byte-order mark is fine", "`utf-8`"),
    ),
)
_CELL_SHAPE = Shape(
    "cell",
    "A column, and what its texts mean.",
    (
        Key("column", _COLUMN, "which column", example="plan"),
        Key("is", _COLUMN, "in place of a column: the same for every row", example="standard"),
        *_MEANS,
    ),
    some=("column", "is"),
)
_MEASURE_SHAPE = Shape(
    "measure",
    "A value that many rows make.",
    (
        Key("from", NAME, "a name of `files`", "that of the accounts"),
        _ONLY_KEY,
        Key("within", _WITHIN, "at most so many days old; needs the file's `on`", "all", example="30 days"),
        Key("count", _ROWS, "how many rows", one=True),
        Key("sum", _COLUMN, "of the numbers; without any 0", one=True),
        Key("average", _COLUMN, "of the numbers; without any it is not known", one=True),
        Key("lowest", _COLUMN, "of the numbers", one=True),
        Key("highest", _COLUMN, "of the numbers", one=True),
        Key("latest", _COLUMN, "that of the row of the last day; needs the file's `on`", one=True),
        Key("distinct", _COLUMN, "how many different texts", one=True),
        *_MEANS,
    ),
)
_ACCOUNTS = Shape(
    "import_accounts",
    "The customers, one a row.",
    (
        _FROM,
        _ONLY_KEY,
        Key("name", _CELL, "what people read", required=True),
        Key("signed_up_on", _CELL, "the day of the signup", required=True),
        Key("arr", _MEASURE, "yearly revenue"),
        Key("tier", _CELL, "made a label: `Mid Market` is `mid-market`"),
        Key("journey", _CELL, "which journey, made a label; one that there is not is refused"),
        Key("touch", _CELL, "`low`, `mid` or `high`, made a label; else by the ARR"),
        Key("zone", _CELL, "whose clock"),
        Key("country", _CELL, "two letters"),
        Key("segment", _CELL, "made a label"),
        Key("csm", _CELL, "the address of a teammate"),
        *(Key(role, _CELL, "the address of that person") for role in CUSTOMER_ROLES),
    ),
)
_SECTIONS = (
    Shape(
        "import_contacts",
        "People, one a row.",
        (
            _FROM,
            _ONLY_KEY,
            Key("email", _CELL, "the address", required=True),
            Key("name", _CELL, "the name"),
            Key("roles", _CELL, f"one of {', '.join(f'`{role}`' for role in CUSTOMER_ROLES)}"),
        ),
    ),
    Shape(
        "import_contracts",
        "Contracts, one a row.",
        (
            _FROM,
            _ONLY_KEY,
            Key("ends_on", _COLUMN, "the last day", "the file's `ends`"),
            Key(
                "months",
                _CELL,
                "the length of a term; where no end is written it renews by itself, from the file's `starts` on",
                "from `starts` to the end",
                example="{ is: 12 }",
            ),
            Key(
                "auto_renews",
                _CELL,
                "yes or no: whether it goes on by itself",
                "it does where no end is written, else nobody knows",
            ),
        ),
    ),
    Shape(
        "import_stage",
        "Where a customer stands.",
        (
            Key("column", _COLUMN, "what says it; where it says nothing, `by` does"),
            *_MEANS,
            Key(
                "by",
                plainly(*STAGE_BY),
                "`signup`: the stage in whose window the day is; `criteria`: no further than the facts prove",
                "`signup`",
            ),
        ),
    ),
    Shape(
        "import_churned",
        "Rows that say that an account has left.",
        (
            _FROM,
            _ONLY_KEY,
            Key("came_back", plainly(*CAME_BACK), "whether a contract that began after it undoes it", "`never`"),
        ),
    ),
    Shape(
        "import_events",
        "Rows that are events.",
        (_FROM, _ONLY_KEY, Key("event", DOTTED, "what happens", required=True, example="customer.churned")),
    ),
)
IMPORTS = (_MAPPING, _FILE, _CELL_SHAPE, _MEASURE_SHAPE, _ACCOUNTS, *_SECTIONS)
