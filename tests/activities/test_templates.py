"""What a template may not do, and texts without a template of their own."""

import re
from types import SimpleNamespace
from typing import Any

import pytest

from activities.cards import cut, escape, message_card
from activities.mime import UnsendableError
from activities.templates import Templates, with_links
from lifecycle.playbook import Playbook, Trigger

VALUES: dict[str, Any] = {"name": "A & <b>", "facts": SimpleNamespace(known=1)}


def book(body: str, head: str = "Subject: Hi") -> Playbook:
    texts = {"t.txt": f"{head}\n\n{body}\n", "t.mjml": body}
    return Playbook("p", "P", "csm", (Trigger(stage="new"),), (), "p.yaml", templates=texts)


@pytest.mark.parametrize(
    "body",
    [
        "{{ missing }}",
        "{{ facts.missing }}",
        "{{ ''.__class__.__mro__ }}",
        "{{ facts.__init__ }}",
        "{{ range(999999999) | list }}",
        "{{ 1 / 0 }}",
        "{{ name + 1 }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{% include 'nowhere.txt' %}",
        "{% if %}",
    ],
)
def test_a_template_that_does_wrong_is_named_and_nothing_is_sent(body: str) -> None:
    with pytest.raises(UnsendableError) as caught:
        Templates().mail_text("d", book(body), "t.txt", VALUES)
    assert "A & <b>" not in str(caught.value)


def test_a_fact_that_is_not_known_may_be_asked_about() -> None:
    body = "{% if facts.missing is defined %}no{% else %}yes{% endif %}{% if facts.known is defined %}!{% endif %}"
    assert Templates().mail_text("d", book(body), "t.txt", VALUES) == ("Hi", "yes!\n")


def test_values_are_escaped_where_they_are_read_as_code_and_nowhere_else() -> None:
    templates = Templates()
    written = book("<mjml><mj-body><mj-raw>{{ name }}</mj-raw></mj-body></mjml>", "Subject: {{ name }}")
    assert templates.mail_text("d", written, "t.txt", VALUES)[0] == "A & <b>"
    assert "A & <b>" in templates.mail_text("d", written, "t.txt", VALUES)[1]
    assert "A &amp; &lt;b&gt;" in templates.html("d", written, "t.mjml", VALUES)
    head, body = templates.slack_text("e", book("*{{ name }}*", "Title: {{ name }}"), "t.txt", VALUES)
    assert (head, body) == ("A & <b>", "*A &amp; &lt;b&gt;*\n")


def test_mrkdwn_values_are_escaped_once_and_the_authors_own_links_stay() -> None:
    _, body = Templates().slack_text("s", book("<https://x.example.com|{{ name }}>"), "t.txt", VALUES)
    assert body == "<https://x.example.com|A &amp; &lt;b&gt;>\n"


def test_what_is_no_mjml_is_refused() -> None:
    with pytest.raises(UnsendableError, match="is not MJML"):
        Templates().html("d", book("<p>"), "t.mjml", VALUES)


def test_a_text_without_html_gets_paragraphs_lines_and_links() -> None:
    text = "One <b>\ntwo\n\nSee https://x.example.com/a?b=1&c=2, or (https://y.example.com).\n"
    html = Templates().html_of_text("d", book("x"), "Title & more", text, None)
    assert "One &lt;b&gt;<br />two" in html
    assert '<a href="https://x.example.com/a?b=1&amp;c=2">https://x.example.com/a?b=1&amp;c=2</a>, or' in html
    assert '<a href="https://y.example.com">https://y.example.com</a>).' in html
    assert "<title>Title &amp; more</title>" in html


def test_a_text_in_two_columns_becomes_a_table() -> None:
    text = "Agenda\n 5 min  Who is <who>\n20 min  Goals: https://x.example.com\nOne.  Two.\n"
    html = Templates().html_of_text("d", book("x"), "Kickoff", text, None)
    assert re.sub(r' style="[^"]*"', "", html[html.index("Agenda") : html.index("Two.")]) == (
        'Agenda<table role="presentation"><tr><td>5 min</td><td>Who is &lt;who&gt;</td></tr>'
        "<tr><td>20 min</td><td>Goals: "
        '<a href="https://x.example.com">https://x.example.com</a></td></tr></table>One.  '
    )


def test_links_that_the_text_lacks_are_added_below_it_once() -> None:
    html = '<a href="https://x.example.com/?a=1&amp;b=2">x</a>' * 2 + '<a href="#a">z</a>'
    assert with_links("Hello\n", html) == "Hello\n\n\nhttps://x.example.com/?a=1&b=2\n"
    assert with_links("https://x.example.com/?a=1&b=2\n", html) == "https://x.example.com/?a=1&b=2\n"


@pytest.mark.parametrize(
    ("text", "limit", "wanted"),
    [
        ("short", 10, "short"),
        ("a longer text", 9, "a longer…"),
        ("ab &amp; cd", 7, "ab…"),
        ("ab <https://x.example.com|x> cd", 12, "ab…"),
        ("ab &amp; cd", 10, "ab &amp;…"),
    ],
)
def test_cutting_never_breaks_an_escape_or_a_link(text: str, limit: int, wanted: str) -> None:
    assert cut(text, limit) == wanted
    assert len(cut(text, limit)) <= limit


def test_a_long_message_is_split_between_lines() -> None:
    card = message_card("T", "\n".join(["x" * 500] * 7))
    assert [len(block["text"]["text"]) for block in card.blocks] == [1, 2504, 1001]


def test_escaping_is_done_once() -> None:
    assert escape("<@U1> & <!channel>") == "&lt;@U1&gt; &amp; &lt;!channel&gt;"


def test_a_line_that_ends_with_a_block_stays_a_line_and_lines_of_blocks_leave_nothing() -> None:
    body = "One.{% if facts.known is defined %} Two.{% endif %}\n\n"
    body += "{% if name %}\nThree.\n{% endif %}\nFour.{% if name -%}\n{% endif %} Five."
    for text in (
        Templates().mail_text("d", book(body), "t.txt", VALUES),
        Templates().slack_text("d", book(body), "t.txt", VALUES),
    ):
        assert text == ("Hi", "One. Two.\n\nThree.\nFour. Five.\n")
