"""Rendering a release's templates: one pair of sandboxed Jinja2 environments per release, kept by digest.

Mail: values are escaped in `.mjml`, not in `.txt` and subjects. Slack: values are escaped for mrkdwn, once, everywhere.
An undefined name is an error, never an empty place. The first line of a `.txt` (`Subject:` or `Title:`) is a template
of its own, so that a line break in a value cannot move text from the head into the body or back. A line of a `.txt`
stays a line, also where it ends with a block.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from html import unescape
from itertools import groupby
from typing import Any

import mrml
from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from activities.cards import escape
from activities.mime import UnsendableError, one_line
from lifecycle.playbook import Playbook

HEAD = "#head"
_HREF = re.compile(r"""<a(?=\s)(?:[^>"']|"[^"]*"|'[^']*')*?\shref\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_OUTWARD = ("http://", "https://", "mailto:")
_COMMENT = re.compile("<!--.*?-->", re.DOTALL)
_LINK = re.compile(r"(?:https?://|mailto:)[^\s<>()\"']*[^\s<>()\"'.,;:!?]")

LAYOUT = "layout.mjml"
_COLUMNS = re.compile(r" *(\S+(?: \S+){0,2})(?<![.!?,:;]) {2,}(\S.*)\Z")
_CLOSED = re.compile(r"^(?=.*[^-]%\}$)(?!(?:\s*\{%(?:(?!%\}).)*%\})+$)(.*)$", re.MULTILINE)
"""A line of text that ends with a block: `trim_blocks`, meant for lines of blocks alone, would take its line break."""
_LINE = Markup("<br />")
_ROW = Markup(
    '<tr><td style="padding: 0 12px 4px 0; text-align: right; vertical-align: top; white-space: nowrap">{0}</td>'
    '<td style="padding: 0 0 4px">{1}</td></tr>'
)
PARAGRAPHS = """{% for paragraph in paragraphs %}<mj-text css-class="text">{{ paragraph }}</mj-text>
{% endfor %}"""
IN_LAYOUT = f"""{{% extends "{LAYOUT}" %}}{{% block title %}}{{{{ title }}}}{{% endblock %}}
{{% block body %}}{PARAGRAPHS}{{% endblock %}}{{% block signature %}}{{% endblock %}}"""
PLAIN = f"""<mjml lang="en"><mj-head><mj-title>{{{{ title }}}}</mj-title><mj-attributes>
<mj-all font-family="Helvetica, Arial, sans-serif" /><mj-text font-size="16px" line-height="1.5" color="#1f2933" />
</mj-attributes></mj-head><mj-body width="600px"><mj-section><mj-column>
{PARAGRAPHS}</mj-column></mj-section></mj-body></mjml>"""
"""HTML for texts without a template of their own, invitations and mails that a person edited: in the release's layout
where it has one and the reader is at the customer, else plain.
"""

Variables = Mapping[str, Any]


class Templates:
    """Every release's templates, compiled at most once while they are among the `size` last used."""

    def __init__(self, size: int = 64) -> None:
        self._mail = lru_cache(maxsize=size)(lambda book: _environment(book.book, mrkdwn=False))
        self._slack = lru_cache(maxsize=size)(lambda book: _environment(book.book, mrkdwn=True))

    def mail_text(self, digest: str, book: Playbook, name: str, variables: Variables) -> tuple[str, str]:
        """Head and body of `name` (a `.txt`) for a mail.

        Raises:
            UnsendableError: no such template, an undefined name, or a head that is not one line.
        """
        return _text(self._mail(_Keyed(digest, book)), name, variables)

    def slack_text(self, digest: str, book: Playbook, name: str, variables: Variables) -> tuple[str, str]:
        """Head (plain text) and body (mrkdwn) of `name` for Slack; raises as `mail_text`."""
        keyed = _Keyed(digest, book)
        head = _head(self._mail(keyed), name, variables)
        return head, body(self._slack(keyed), name, variables)

    def html(self, digest: str, book: Playbook, name: str, variables: Variables) -> str:
        """HTML of `name` (an `.mjml`); raises as `mail_text`, and where the layout is not MJML."""
        return to_html(_render(self._mail(_Keyed(digest, book)), name, variables), name)

    def html_of_text(self, digest: str, book: Playbook, title: str, text: str, variables: Variables | None) -> str:
        """HTML that says the same as a text: its paragraphs, line breaks and links.

        `variables` are those of the layout; None where the reader gets no layout (it offers to unsubscribe). What
        stands below a line `--` is left to the layout's own footer. Raises as `mail_text`.
        """
        said = text.split("\n--\n", 1)[0] if variables is not None else text
        paragraphs = [_paragraph(part) for part in re.split(r"\n\s*\n", said.strip()) if part.strip()]
        environment = self._mail(_Keyed(digest, book))
        framed = variables is not None and "block body" in book.templates.get(LAYOUT, "")
        values = {**(variables or {}), "title": title, "paragraphs": paragraphs}
        template = environment.from_string(IN_LAYOUT if framed else PLAIN)
        return to_html(str(_guard(lambda: template.render(values), LAYOUT)), LAYOUT)

    def line(self, digest: str, book: Playbook, source: str, variables: Variables) -> str:
        """One line from a text in the playbook itself, a task's title; raises as `mail_text`."""
        quiet = "{% autoescape false %}" + source + "{% endautoescape %}"
        template = _guard(lambda: self._mail(_Keyed(digest, book)).from_string(quiet), "a title")
        return one_line(_guard(lambda: template.render(variables), "a title").strip(), "a title")


class _Keyed:
    """A playbook that hashes by its digest."""

    def __init__(self, digest: str, book: Playbook) -> None:
        self.digest, self.book = digest, book

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and other.digest == self.digest


def to_html(mjml: str, name: str) -> str:
    """MJML to HTML that mail clients show alike.

    Raises:
        UnsendableError: it is not MJML.
    """
    try:
        return str(mrml.to_html(mjml).content)
    except OSError as error:
        raise UnsendableError(f"{name} is not MJML: {error}") from error


def _paragraph(text: str) -> Markup:
    """Lines one below the other; those with two columns, two blanks apart, as a table."""
    parts = groupby(text.splitlines(), key=lambda line: _COLUMNS.match(line) is not None)
    found = (_table(lines) if columns else _LINE.join(map(_linked, lines)) for columns, lines in parts)
    return Markup().join(found)


def _table(lines: Iterable[str]) -> Markup:
    cells = (_COLUMNS.match(line) for line in lines)
    rows = (_ROW.format(*map(_linked, found.groups())) for found in cells if found)
    return Markup('<table role="presentation">{0}</table>').format(Markup().join(rows))


def _linked(text: str) -> Markup:
    out, end = Markup(), 0
    for found in _LINK.finditer(text):
        out += text[end : found.start()]
        out += Markup('<a href="{0}">{0}</a>').format(found.group())
        end = found.end()
    return out + text[end:]


def with_links(text: str, html: str) -> str:
    """The text with every link of the HTML in it: those it lacks stand below it, each once."""
    found = (unescape(double or single) for double, single in _HREF.findall(_COMMENT.sub("", html)))
    missing = [link for link in dict.fromkeys(found) if link not in text and link.startswith(_OUTWARD)]
    return text + "".join(f"\n{link}" for link in ("", *missing)) + "\n" if missing else text


def _environment(book: Playbook, *, mrkdwn: bool) -> ImmutableSandboxedEnvironment:
    return sandbox(
        _sources(book.templates),
        finalize=_escaped if mrkdwn else None,
        autoescape=lambda name: not mrkdwn and (name is None or name.endswith(".mjml")),
    )


def sandbox(
    sources: Mapping[str, str],
    finalize: Callable[[Any], Any] | None,
    autoescape: Callable[[str | None], bool] | bool = False,
) -> ImmutableSandboxedEnvironment:
    """Where templates are filled in; an undefined name is an error. `finalize` sees each value before it is written."""
    return ImmutableSandboxedEnvironment(
        loader=DictLoader(dict(sources)),
        undefined=StrictUndefined,
        autoescape=autoescape,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


def _escaped(value: Any) -> Any:
    return escape(value) if isinstance(value, str) else value


def _sources(templates: Mapping[str, str]) -> dict[str, str]:
    """Each template by its path; a `.txt` in two parts, its head as `path#head`."""
    sources = {}
    for path, source in templates.items():
        first, _, rest = source.partition("\n")
        key, colon, head = first.partition(":")
        if path.endswith(".txt") and colon and key in {"Subject", "Title"}:
            sources[path + HEAD] = head.strip()
            sources[path] = _CLOSED.sub(r'\1{{ "" }}', rest.lstrip("\n"))
        else:
            sources[path] = source
    return sources


def _text(environment: ImmutableSandboxedEnvironment, name: str, variables: Variables) -> tuple[str, str]:
    return _head(environment, name, variables), body(environment, name, variables)


def _head(environment: ImmutableSandboxedEnvironment, name: str, variables: Variables) -> str:
    return one_line(_render(environment, name + HEAD, variables).strip(), f"the first line of {name}")


def body(environment: ImmutableSandboxedEnvironment, name: str, variables: Variables) -> str:
    """A text without empty lines that a template left; raises as `Templates.mail_text`."""
    return re.sub(r"\n{3,}", "\n\n", _render(environment, name, variables)).strip() + "\n"


def _render(environment: ImmutableSandboxedEnvironment, name: str, variables: Variables) -> str:
    return str(_guard(lambda: environment.get_template(name).render(variables), name))


def _guard(render: Callable[[], Any], name: str) -> Any:
    """What a template does wrong is its author's to mend; the message names the template, not the values."""
    try:
        return render()
    except TemplateError as error:
        raise UnsendableError(f"{name}: {error.message or type(error).__name__}") from error
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UnsendableError(f"{name}: {type(error).__name__} while it was filled in") from error
