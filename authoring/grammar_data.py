"""The files besides the playbooks, key by key: portfolios, assumed answers. Part of `authoring.grammar`."""

from authoring.grammar_files import HAPPENINGS, WHO
from authoring.grammar_form import (
    DATE,
    DOTTED_NAMES,
    FLAG,
    TEXT,
    VALUE,
    Key,
    Kind,
    Shape,
    list_of,
    listed,
    mapping,
    named,
)
from authoring.namespace import CUSTOMER_ROLES
from lifecycle.surveys import FORMS

_SPAN = "[0-9]{1,4}( *- *[0-9]{1,4})?"
_SHARE = Kind("share", {"type": "string", "pattern": "^ *[0-9]{1,3}(\\.[0-9]{1,4})? *% *$"})
_DELAY = Kind(
    "delay", {"type": "string", "pattern": f"^ *{_SPAN} +(business +(hour|day)s?|(minute|hour|day|week)s?) *$"}
)
_DAYS = Kind("day or days", {"type": ["string", "integer"], "pattern": f"^ *{_SPAN} *$", "minimum": 0})
_ID = Kind("text", {"type": ["string", "number", "boolean"], "minLength": 1, "maxLength": 120})
_ROLE = Kind(" or ".join(f"`{role}`" for role in CUSTOMER_ROLES), {"enum": list(CUSTOMER_ROLES)})
_LATER = Kind("list", {"type": "array", "items": {"anyOf": [{"$ref": "#/$defs/happening"}, {"$ref": "#/$defs/told"}]}})

_PORTFOLIO = Shape(
    "portfolio",
    "Customers as they stand.",
    (
        Key("as_of", DATE, "when all this was so, local in each customer's zone", "each account's own"),
        Key("accounts", list_of("account"), "the customers", required=True),
    ),
)
_ACCOUNT = Shape(
    "account",
    "A customer of a portfolio; a scenario's `customer:` and more.",
    (
        Key("id", _ID, "yours, once in the file", required=True),
        Key("as_of", DATE, "when this was so", "the file's"),
        Key(
            "stage",
            TEXT,
            "where the customer stands: it is *placed*, and gets nothing of its past",
            "a new customer, who signs up",
        ),
        Key("signed_up_on", DATE, "the day of the signup", "that of `as_of`"),
        Key("contacts", list_of("contact"), "people; `champion: ada@acme.example.com` is the short form"),
        Key("contracts", list_of("contract"), "what renews"),
        Key(
            "csm",
            TEXT,
            "the address of the CSM in `playbooks/team.yaml`",
            "whom the people file gives it to, as for the other roles",
        ),
        Key("facts", named(VALUE, DOTTED_NAMES), "what is known at `as_of`"),
        Key("events", _LATER, "what happens later, as in a scenario; day 0 is the date of `as_of`"),
        *WHO,
    ),
)
_CONTACT = Shape(
    "contact",
    "A person at the customer.",
    (
        Key("email", TEXT, "the address", example="ada@acme.example.com"),
        Key("name", TEXT, "the name", example="Ada Ek"),
        Key("roles", listed(_ROLE), "what they are, one or a list", example="[champion]"),
    ),
)
_CONTRACT = Shape(
    "contract",
    "A contract of a customer.",
    (
        Key("id", TEXT, "yours, once a customer", required=True, example="main"),
        Key("starts_on", DATE, "the first day of its term", "not known"),
        Key("ends_on", DATE, "its last day", required=True, example="2026-12-31"),
        Key("auto_renews", FLAG, "whether it goes on by itself", "not known"),
    ),
)
_TOLD = Shape(
    "told",
    "An event as programs write it.",
    (
        Key("at", DATE, "an instant", required=True),
        Key("told", Kind("event", {"type": "object", "required": ["kind"]}), "the core's own form", required=True),
    ),
)
_APPROVAL = (
    Key("approved", _SHARE, "of the questions", "85%"),
    Key("rejected", _SHARE, "of the questions; the rest is not answered", "5%"),
    Key("after", _DELAY, "how long after the question", "1-6 business hours"),
)
_ANSWERS = Shape(
    "answers",
    "How people are assumed to behave.",
    (
        Key("assume", TEXT, "what these assumptions are called", required=True),
        Key("approvals", mapping("approvals"), "what becomes of questions to teammates"),
        Key(
            "surveys", named(mapping("survey_answers"), f"^({'|'.join(FORMS)})$"), "by kind; others are never answered"
        ),
        Key("tasks", mapping("task_answers"), "what becomes of tasks"),
        Key("meetings", mapping("meeting_answers"), "what becomes of meetings; nobody says anything of the rest"),
        Key("emails", mapping("email_answers"), "what readers do"),
        Key("course", list_of("course"), "what happens by itself"),
        Key("churn", mapping("churn"), "how many leave"),
        Key("renewals", mapping("renewals"), "what becomes of contracts; the others leave when theirs ends"),
    ),
)
_BY_QUESTION = (
    Shape(
        "approvals",
        "Answers to questions.",
        (*_APPROVAL, Key("steps", named(mapping("step_approvals")), "the same for single steps, by id")),
    ),
    Shape("step_approvals", "Answers to the questions of one step.", _APPROVAL),
    Shape(
        "survey_answers",
        "Answers to a survey.",
        (
            Key("answered", _SHARE, "of those sent", "40%"),
            Key("after", _DELAY, "how long after it was sent", "2-96 hours"),
            Key(
                "scores",
                named(_SHARE, f"^{_SPAN}$"),
                "how often which score is given, 100% together; not of `exit`",
                example='{ "0-6": 20%, "7-10": 80% }',
            ),
        ),
    ),
    Shape(
        "task_answers",
        "Ticks of tasks.",
        (Key("done", _SHARE, "of the tasks", "90%"), Key("after", _DELAY, "how long after", "2-16 business hours")),
    ),
    Shape(
        "meeting_answers",
        "What becomes of meetings.",
        (
            Key("held", _SHARE, "took place", "80%"),
            Key("no_show", _SHARE, "nobody came", "7%"),
            Key("declined", _SHARE, "somebody said no", "5%"),
        ),
    ),
    Shape(
        "email_answers",
        "What readers of mails do.",
        (
            Key("replied", _SHARE, "answer", "2%"),
            Key("unsubscribed", _SHARE, "want no more", "0.2%"),
            Key("after", _DELAY, "how long after", "1-48 hours"),
        ),
    ),
    Shape(
        "course",
        "Something of the usual course; besides, what a scenario's event says.",
        (
            Key("day", _DAYS, "on one of these days after the signup", required=True, example="1-5"),
            Key("share", _SHARE, "of the customers", "100%"),
            *HAPPENINGS,
        ),
        some=("facts",),
    ),
    Shape("churn", "Leaving.", (Key("a_year", _SHARE, "of the customers, within a year", "8%"),)),
    Shape(
        "renewals",
        "Signing again.",
        (
            Key("signed", _SHARE, "of the contracts, for a year", "90%"),
            Key("before", _DAYS, "so many days before the end", "3-45"),
        ),
    ),
)
DATA = (_PORTFOLIO, _ACCOUNT, _CONTACT, _CONTRACT, _TOLD, _ANSWERS, *_BY_QUESTION)
