"""Slack cards as plain blocks: a question with its buttons, the same settled, a task, a message.

Pure. Slack's limits are kept here (integrations: header 150, section 3000, about 13,200 in all), and customer text
can make neither mention nor link: it is escaped once, and `verbatim` keeps Slack from linking bare words. Names stand
in plain text where Slack allows it. The gateway knows buttons by the `action_id`s below; a value is an opaque id whose
first part is the customer, checked again there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

APPROVE, REJECT, EDIT, DONE = "approval_approve", "approval_reject", "approval_edit", "task_done"
"""Action ids of the buttons; EDIT only opens a page."""

HEADER, SECTION, BODY, LABEL = 150, 3000, 4000, 75
Block = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Card:
    """`text` is what notifications and screen readers say, not escaped."""

    title: str
    blocks: tuple[Block, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """An approval as its card shows it. `value`: `customer/approval`. `answer_by`, `step_due`: for people. `silence`:
    what no answer means.
    """

    title: str
    customer: str
    value: str
    edit_url: str
    subject: str
    text: str
    recipients: tuple[str, ...]
    step_due: str
    answer_by: str
    silence: str
    nth: int = 0
    body: str = ""
    note: str = ""


def escape(value: str) -> str:
    """Plain text for a mrkdwn field: `&`, `<`, `>` once."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, ending in an ellipsis where something was cut; never inside `&amp;` or `<...>`."""
    if len(text) <= limit:
        return text
    return re.sub(r"(&[a-z]{0,4}|<[^<>]*)$", "", text[: limit - 1]).rstrip() + "…"


def question_card(question: Question) -> Card:
    """Ask for an answer: approve, reject (confirmed), or edit on the dashboard."""
    lead = ("", "Reminder: ")[question.nth > 0]
    title = f"{lead}Approve {question.title} for {question.customer}?"
    facts = (
        f"Goes to {escape(', '.join(question.recipients) or 'nobody')} "
        f"on {escape(question.step_due)}.\nPlease answer by *{escape(question.answer_by)}*; {escape(question.silence)}"
        f"\n{escape(question.note)}"
    ).rstrip()
    buttons = [
        _button("Approve", APPROVE, question.value, style="primary"),
        {**_button("Reject", REJECT, question.value, style="danger"), "confirm": _confirm(question.title)},
        {**_button("Edit", EDIT, question.value), "url": question.edit_url},
    ]
    said = [_section(facts), *_sections(question.body), *_preview(question)]
    blocks = [_header(title), *said, {"type": "actions", "elements": buttons}]
    return Card(title, tuple(blocks), cut(title, SECTION))


def settled_card(title: str, customer: str, outcome: str) -> Card:
    """The question without its buttons, saying how it ended and who decided."""
    name = f"{title} for {customer}"
    blocks = (_header(name), _section(escape(outcome)))
    return Card(f"{name}: {outcome}".rstrip("."), blocks, cut(f"{name}: {outcome}", SECTION))


def task_card(title: str, customer: str, due: str, checklist: Sequence[str], value: str, why: str = "") -> Card:
    """Work for a teammate, with one button. `why`: mrkdwn."""
    lines = "".join(f"\n• {escape(line)}" for line in checklist)
    body = f"*{escape(customer)}*, due {escape(due)}\n{why}{lines}"
    actions = {"type": "actions", "elements": [_button("Done", DONE, value, style="primary")]}
    blocks = (_header(title), *_sections(body), actions)
    return Card(title, blocks, cut(f"Task: {title} ({customer}), due {due}", SECTION))


def message_card(title: str, body: str) -> Card:
    """A message. `body` is mrkdwn whose values are escaped already."""
    return Card(title, (_header(title), *_sections(body)), cut(title, SECTION))


def linked(card: Card, public_url: str, customer: str) -> Card:
    """The card with a last line that leads to the customer's page in the dashboard, which is at `public_url`."""
    url = f"{public_url}/customers/{customer}"
    line = {"type": "mrkdwn", "text": f"<{url}|Open the customer's page>", "verbatim": True}
    return replace(card, blocks=(*card.blocks, {"type": "context", "elements": [line]}))


def _preview(question: Question) -> list[Block]:
    if not question.text:
        return []
    quoted = "\n".join(f"> {line}" for line in escape(cut(question.text, SECTION)).splitlines())
    return _sections(f"*{escape(question.subject)}*\n{quoted}" if question.subject else quoted)


def _header(title: str) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": cut(title, HEADER), "emoji": False}}


def _section(text: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, SECTION), "verbatim": True}}


def _sections(text: str) -> list[Block]:
    """The text in as many sections as it needs, broken between lines, cut at BODY characters."""
    parts = [""]
    for line in cut(text, BODY).splitlines():
        if parts[-1] and len(parts[-1]) + len(line) + 1 > SECTION:
            parts.append("")
        parts[-1] = f"{parts[-1]}\n{line}" if parts[-1] else line
    return [_section(part) for part in parts if part.strip()]


def _button(label: str, action: str, value: str, style: str = "") -> Block:
    button: Block = {
        "type": "button",
        "action_id": action,
        "value": value,
        "text": {"type": "plain_text", "text": cut(label, LABEL), "emoji": False},
    }
    return {**button, "style": style} if style else button


def _confirm(title: str) -> Block:
    return {
        "title": {"type": "plain_text", "text": "Reject?"},
        "text": {"type": "plain_text", "text": cut(f"{title} will not go out.", 300)},
        "confirm": {"type": "plain_text", "text": "Reject"},
        "deny": {"type": "plain_text", "text": "Keep open"},
        "style": "danger",
    }


HANDED_ON = "Handed on: somebody else is asked now."
"""What the card of somebody who is asked no more says."""


def outcome_of(result: str, by: str) -> str:
    """How an approval ended, in a sentence for its card."""
    said = {
        "approved": "Approved",
        "rejected": "Rejected",
        "expired": "Nobody answered in time",
        "withdrawn": "Withdrawn, no longer needed",
        "superseded": "Withdrawn, something newer took its place",
    }.get(result, result.capitalize())
    return f"{said} by {by}." if by else f"{said}."
