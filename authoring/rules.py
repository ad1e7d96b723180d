"""Every rule a file can break, by the name shown in brackets, with the reason that matters to the business.

The reference (`docs/playbook-reference.md`) has a paragraph for each; `tests/authoring/bad/` has a file for each.
"""

WARNINGS = frozenset(
    {
        *("at-midnight", "early-wait", "fact-unused", "event-unused", "holiday", "no-exit", "no-way-out", "notice"),
        *(
            "nearly",
            "no-meeting-url",
            "quiet-hours",
            "same-moment",
            "skips-survey",
            "stage-without-exit",
            "unused-input",
            "useless-wait",
        ),
    }
)
"""Findings that do not keep anything from being released."""

RULES = {
    # files and YAML
    "file": "a file that cannot be read cannot be released.",
    "yaml": "nothing in a file counts until all of it can be read.",
    "too-deep": "a file that nests this deep is a mistake or an attack, and people cannot read it.",
    "too-large": "a file this long is a mistake or an attack, and people cannot review it.",
    "duplicate-key": "only one of the two could count, and readers would disagree which.",
    "unknown-key": "a word that means nothing here would be dropped in silence, and the author would never know.",
    "missing-key": "without it nobody could say what happens.",
    "value": "a value of another kind would be guessed at, and guesses reach customers.",
    "name": "names end up in addresses and identities, which must be the same everywhere.",
    "duplicate-name": "one name for two things would let one of them vanish.",
    # values
    "length": "a length is a whole number of minutes, hours, days, weeks, business hours or business days.",
    "time": "a time is a local wall time of 24 hours.",
    "zone": "an hour means nothing without a time zone that exists.",
    "range": "the value lies outside what makes sense here.",
    # expressions
    "expression": "a condition is a small, checked expression; anything else could do harm or mean nothing.",
    "unknown-name": "a name that nothing ever sets is never true, so the step would never happen.",
    "type": "values of different kinds never compare as their author meant.",
    "unknown-input": "an input that the playbook does not declare has no value.",
    "unused-input": "a team would choose a value that changes nothing.",
    # across files
    "unknown-stage": "a stage that does not exist is never entered.",
    "unknown-band": "a band that does not exist is never entered.",
    "unknown-role": "a role that nobody has reaches nobody.",
    "unknown-event": "an event that no system sends never happens.",
    "unknown-fact": "a fact that is not in the catalogue is never learned.",
    "unknown-playbook": "a playbook that does not exist never plays.",
    "unknown-step": "a step that does not exist never settles, so what waits for it never happens.",
    "unknown-model": "a health model that does not exist scores nobody.",
    "wrong-audience": "customers get emails, surveys and invites; teammates get Slack, tasks and questions.",
    "role-unfilled": "every role must end at a named person, or its work reaches nobody.",
    "no-lifecycle": "stages, roles and facts stand in the lifecycle file; no playbook means anything without it.",
    "trigger": "a play starts for one reason at a time, or nobody could say why it did.",
    # health models
    "health-weights": "a score is out of 100, so its parts must add up, or no figure means what it says.",
    "health-reads": "a score that hangs on what follows from it never comes to rest.",
    # steps
    "one-action": "a step does exactly one thing, so that it can be approved, held or skipped as one.",
    "when": "a step has one due, or nobody could say which of two counts.",
    "wait-by": "a wait without a deadline can hold a customer for ever, and nobody would notice.",
    "cycle": "steps that wait for one another never happen.",
    "never-settles": "a step of a branch not taken never settles, so what waits for it would never happen.",
    "repeat": "a round forgets the one before, so what stands in it means only the round that is on.",
    "approval": "a question that cannot be answered in time holds up the customer.",
    "invite-day": "nobody can accept a meeting that lies before its invitation.",
    # what never happens
    "nobody-enters": "a play that nobody enters, or everybody leaves at once, does nothing, and nobody would notice.",
    "unreachable-step": "a step that no play reaches looks like a promise that is kept.",
    # what should be looked at
    "at-midnight": "a play that starts by a date starts at midnight, and so would what it does at once.",
    "early-wait": "a wait that is over before the question is out takes everybody for silent.",
    "fact-unused": "what nothing asks for is measured, sent and explained for nothing.",
    "event-unused": "what nothing waits for is sent for nothing, or a playbook misses it.",
    "holiday": "a mail on a public holiday says that nobody here looked at the calendar.",
    "no-exit": "customers who left would go on getting what a playbook sends.",
    "no-meeting-url": "guests who are not told where to join ask, or do not come.",
    "nearly": "a word that no customer has is met by nobody, and nobody would notice.",
    "no-way-out": "a mail without a way to unsubscribe is unlawful in most places.",
    "notice": "a customer who hears of the renewal after the notice period has had no choice.",
    "quiet-hours": "a touch due outside the hours when customers may be reached goes out at another time than written.",
    "same-moment": "two playbooks that want one moment are told apart by their names alone.",
    "skips-survey": "a play that ends early never asks, and nobody learns how it was.",
    "stage-without-exit": "a stage that nothing ends is left only by hand.",
    "useless-wait": "a wait that opens no branch, and that nothing needs, changes nothing.",
    # scenarios
    "expected": "the scenario says what customers and colleagues will get, and this is not it.",
    # templates
    "template-missing": "a touch without its text cannot be sent.",
    "template-head": "the first line is the subject or title that people see.",
    "template-extent": "a text that grows without end stops who fills it in, and everybody waits.",
    "template-lost": "what stands in no block of the layout is dropped without a word, and the customer reads nothing.",
    "template-mjml": "a mail that cannot be made into HTML is not sent.",
    "template-syntax": "a template that cannot be read cannot be sent.",
    "template-variable": "a name that does not exist stops the send, and the customer gets nothing.",
    "template-unguarded": "a fact may be unknown for a customer, and an unknown value stops the send.",
}
