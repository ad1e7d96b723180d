"""The people file, key by key. Part of `authoring.grammar`."""

from authoring.grammar_form import (
    CONDITION,
    DATE,
    NAME,
    ROLE,
    SNAKE_NAMES,
    TEXT,
    WORDS,
    ZONE,
    Key,
    Kind,
    Shape,
    list_of,
    listed,
    mapping,
    name_of,
    named,
    span,
    whole,
)

_CAP = whole(1, 1000)
_HOST = "[A-Za-z0-9-]+(\\.[A-Za-z0-9-]+)+(:[0-9]{1,5})?"
_LETTERS = "A-Za-z0-9_~/#@$&*+=%"
MEETING_URL = f"https://{_HOST}([/?#]([{_LETTERS}.,;:!?-]*[{_LETTERS}-])?)?"
"""A link as mails and calendars show it alike: plain ASCII, without what ends a link in a sentence, with no user name
in it.
"""
LONGEST_URL = 1_000
_ACCOUNTS = span("customers", 1)
_TEAM = Shape(
    "team",
    "Who works here.",
    (
        Key("people", list_of("person"), "all of them", required=True),
        Key("roles", named(mapping("team_role"), SNAKE_NAMES), "what counts for everybody in a role"),
        Key("skills", named(CONDITION), "by a name of yours, the customers that need it"),
    ),
)
_TEAM_ROLE = Shape(
    "team_role",
    "What counts for everybody in a role.",
    (
        Key("for", CONDITION, "only these customers have somebody in it; for others its chain stands in", "all"),
        Key("accounts", _ACCOUNTS, "a full book of those in it who say no other: `30`, `20-30` or `100+`"),
        Key("first_days", whole(1, 3650), "a customer counts for so many days after its signup", "for ever"),
    ),
)
_PERSON = Shape(
    "person",
    "A teammate.",
    (
        Key("id", name_of("name"), "once in the file", required=True),
        Key("name", TEXT, "the full name", required=True),
        Key("email", TEXT, "where mails go", required=True),
        Key("slack", Kind("member id", {"type": "string", "pattern": "^[UW][A-Z0-9]{2,20}$"}), "in Slack, `U0MARA`"),
        Key(
            "meeting_url",
            Kind("https URL", {"type": "string", "pattern": f"^{MEETING_URL}$", "maxLength": LONGEST_URL}),
            "their personal meeting room, where the meetings that they hold take place",
            "invitations do not say where",
            example="https://meet.example.com/mara",
        ),
        Key("zone", ZONE, "where they work", "the lifecycle's `default_zone`"),
        Key("roles", listed(ROLE), "the teammate roles they hold", required=True),
        Key("tiers", WORDS, "they are given customers of these tiers only", "all"),
        Key("touch", WORDS, "they are given customers of these touch models only", "all"),
        Key("serves", CONDITION, "they are given customers for whom this holds only", "all"),
        Key("skills", WORDS, "names of the file's `skills`; they come first where a customer needs them"),
        Key("capacity", mapping("capacity"), "how many customers are a full book, how much work a full day"),
        Key("away", list_of("absence"), "when they are not there"),
        Key("leaves", DATE, "their last day; they are given no customers from when it is written"),
    ),
)
_CAPACITY = Shape(
    "capacity",
    "How much a person can take.",
    (
        Key("accounts", _ACCOUNTS, "a full book: `30`, `20-30` or `100+`", "by what they serve, else by their role"),
        Key("tasks_a_day", _CAP, "tasks, for the warnings of `forecast`"),
        Key("approvals_a_day", _CAP, "questions, for the warnings of `forecast`"),
    ),
)
_ABSENCE = Shape(
    "absence",
    "A time in which a person is not there.",
    (
        Key("from", DATE, "the first day", required=True),
        Key("until", DATE, "the last day", required=True),
        Key("stand_in", NAME, "the id of who does it meanwhile", "whoever would be given the customers"),
    ),
)
TEAM = (_TEAM, _TEAM_ROLE, _PERSON, _CAPACITY, _ABSENCE)
