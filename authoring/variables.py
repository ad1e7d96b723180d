"""Which names a template may use, and a walk over its syntax that finds those it may not, or not without a guard.

A fact that nobody has reported is undefined when a text is filled in, and that stops the send. So a fact counts only
where it is surely known: inside `{% if x is defined %}`, behind a default, or because the step's conditions need it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from jinja2 import nodes
from jinja2.defaults import DEFAULT_NAMESPACE
from jinja2.filters import FILTERS
from jinja2.tests import TESTS

from authoring.diagnostics import near
from authoring.expressions import dotted
from authoring.namespace import Names, offered
from lifecycle.actions import Action, Document, Escalate, Invite, Opportunity, Slack, Task

Found = Callable[[str, int, str, str, str], None]
"""Takes a finding: rule, line of the template, the words, what, fix."""

_PERSON = ("name", "first_name", "email", "meeting_url")
_GROUPS: dict[str, tuple[str, ...]] = {
    "customer": ("name", "tier", "journey", "stage", "country", "arr", "touch", "band"),
    "contact": ("name", "first_name", "email", "role"),
    "sender": _PERSON,
    "owner": _PERSON,
    "play": ("day", "title", "started_on"),
    "step": ("id", "title"),
    "links": ("survey", "unsubscribe", "help", "documents"),
    "company": ("name", "address"),
    "note": ("item", "call", "risk", "play"),
}
_CALLS = ("wins", "concerns", "goals", "actions", "risks", "people", "last", "sentiment", "renewal", "uplift", "teams")
"""What documents know of the notes of calls, below `notes`."""
_SCORE = ("parts", "trend", "known", "range", "action")
"""What documents know of the health score, below `score`."""
_MEETING = ("day", "time", "zone", "minutes", "url")
_AS_ONE = ("contact", "note")
"""Groups that are known or not as a whole; of others each name needs a guard of its own."""
_JINJA = frozenset({*DEFAULT_NAMESPACE, "loop", "self", "super", "caller", "varargs", "kwargs"})


@dataclass(frozen=True, slots=True)
class Variables:
    """`names`: every dotted name there is. `unsure`: those that may be unknown: facts, where people meet, and in a
    teammate's text the contact it speaks of and the item of a note that the play is about; a document says itself what
    it misses. `known`: those surely known here. `highs`: as in `Names`, which are the same for all.
    """

    names: frozenset[str]
    unsure: frozenset[str]
    known: frozenset[str]
    complete: bool = True
    highs: Mapping[str, float | None] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, names: Names, action: Action, known: frozenset[str], *, card: bool = False) -> "Variables":
        """The names for the templates of one step; `card`: for the card of a task or a question."""
        found = {f"{group}.{name}" for group, members in _GROUPS.items() for name in members}
        found.update(f"milestones.{name}" for name in names.milestones)
        found.update(names.constants)
        found.update(f"team.{role}.{name}" for role in names.roles for name in _PERSON)
        if isinstance(action, Invite):
            found.update(f"meeting.{name}" for name in _MEETING)
        if card or isinstance(action, Slack):
            found.update(("task", "deadline") if card else ("deadline",))
        if isinstance(action, Document):
            found.update(f"notes.{name}" for name in _CALLS)
            found.update(f"score.{name}" for name in _SCORE)
        inward = card or isinstance(action, Slack | Task | Escalate | Opportunity)
        told = frozenset[str]() if isinstance(action, Document) and not card else names.facts
        unsure = told | {name for name in found if name.startswith(("note.", "contact.") if inward else "note.")}
        unsure |= {name for name in found if _is_room(name)}
        return cls(frozenset(found | names.facts), frozenset(unsure), known, names.complete, names.highs)


class Checker:
    """Walks one template; `local`: the names that the templates rendered together give themselves (`assigned`)."""

    def __init__(self, variables: Variables, local: Iterable[frozenset[str]], found: Found) -> None:
        self.variables, self.found = variables, found
        self.local = _JINJA.union(*local)

    def check(self, tree: nodes.Template) -> None:
        """Report every wrong name in a template, whose depth is bounded."""
        self._walk(tree, self.variables.known)

    def _walk(self, node: nodes.Node, known: frozenset[str]) -> None:
        match node:
            case nodes.If():
                self._branch(node, known)
            case nodes.CondExpr():
                self._walk(node.test, known)
                self._walk(node.expr1, known | proven(node.test))
                if node.expr2 is not None:
                    self._walk(node.expr2, known | proven(node.test, met=False))
            case nodes.And() | nodes.Or():
                self._walk(node.left, known)
                self._walk(node.right, known | proven(node.left, met=isinstance(node, nodes.And)))
            case nodes.Test():
                self._test(node, known)
            case nodes.Filter():
                self._filter(node, known)
            case nodes.Name() | nodes.Getattr() | nodes.Getitem():
                self._reference(node, known)
            case _:
                for child in node.iter_child_nodes():
                    self._walk(child, known)

    def _branch(self, node: nodes.If, known: frozenset[str]) -> None:
        self._walk(node.test, known)
        for child in node.body:
            self._walk(child, known | proven(node.test))
        known = known | proven(node.test, met=False)
        for branch in node.elif_:
            self._branch(branch, known)
            known = known | proven(branch.test, met=False)
        for child in node.else_:
            self._walk(child, known)

    def _test(self, node: nodes.Test, known: frozenset[str]) -> None:
        if node.name not in TESTS:
            what = f'there is no test "is {node.name[:40]}"'
            self.found("template-syntax", node.lineno, node.name, what, near(node.name, TESTS))
        for child in node.iter_child_nodes():
            self._walk(child, known | _asked(node))

    def _filter(self, node: nodes.Filter, known: frozenset[str]) -> None:
        if node.name not in FILTERS:
            what = f'there is no filter "{node.name[:40]}"'
            self.found("template-syntax", node.lineno, node.name, what, near(node.name, FILTERS))
        defaulted = node.name in ("default", "d") and isinstance(node.node, nodes.Getattr)
        for child in node.iter_child_nodes():
            path = dotted(child) if defaulted and child is node.node else None
            self._walk(child, known | {path} if path else known)

    def _reference(self, node: nodes.Node, known: frozenset[str]) -> None:
        path = dotted(node)
        if path is None:
            if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
                self.found("template-syntax", node.lineno, node.attr, f'asks for "{node.attr[:40]}"', "remove it.")
            for child in node.iter_child_nodes():
                self._walk(child, known)
            return
        if "._" in path:
            self.found("template-syntax", node.lineno, path, f'asks for "{path[:60]}"', "remove it.")
        elif path.partition(".")[0] in self.local or (path in known and path in _GROUPS):
            return
        elif path not in self.variables.names:
            self._unknown(node, path)
        elif path in self.variables.unsure and path not in known and not _known_as_one(path, known):
            what = f'"{path}" may not be known for this customer'
            fix = f"write {{% if {path} is defined %}} ... {{% endif %}} around it."
            self.found("template-unguarded", node.lineno, path, what, fix)

    def _unknown(self, node: nodes.Node, path: str) -> None:
        if not self.variables.complete and path.partition(".")[0] not in _GROUPS:
            return
        members = sorted(name for name in self.variables.names if name.startswith(f"{path}."))
        if members:
            what, fix = f'"{path}" is a group of values, not one value', f"write one of: {', '.join(members[:5])}."
        else:
            what, fix = f'nothing is called "{path[:80]}"', near(path, offered(path, self.variables.names))
        self.found("template-variable", node.lineno, path, what, fix)


def _is_room(name: str) -> bool:
    """Whether a name is where somebody meets, which nobody may have said, whatever is known of the rest."""
    return name == "meeting.url" or (name.endswith(".meeting_url") and name.startswith(("sender.", "owner.", "team.")))


def _known_as_one(path: str, known: frozenset[str]) -> bool:
    group = path.partition(".")[0]
    return group in _AS_ONE and group in known


def proven(test: nodes.Node, met: bool = True) -> frozenset[str]:
    """The names that are surely defined when a test came out as `met`."""
    match test:
        case nodes.And() | nodes.Or():
            left, right = proven(test.left, met), proven(test.right, met)
            return left | right if isinstance(test, nodes.And) == met else left & right
        case nodes.Not():
            return proven(test.node, not met)
        case nodes.Test(name="defined") if met:
            return _asked(test)
        case nodes.Test(name="undefined") if not met:
            return _asked(test)
        case _:
            return frozenset()


def _asked(test: nodes.Test) -> frozenset[str]:
    """The name that `is defined` or `is undefined` asks about."""
    path = dotted(test.node) if test.name in ("defined", "undefined") else None
    return frozenset({path}) if path else frozenset()


def assigned(tree: nodes.Template) -> frozenset[str]:
    """Names that a template gives itself: set, for, macro, import, with."""
    found: set[str] = set()
    for node in tree.find_all((nodes.Name, nodes.Macro, nodes.NSRef, nodes.Import, nodes.FromImport)):
        match node:
            case nodes.Name() if node.ctx in ("store", "param"):
                found.add(node.name)
            case nodes.Macro() | nodes.NSRef():
                found.add(node.name)
            case nodes.Import():
                found.add(node.target)
            case nodes.FromImport():
                found |= {name if isinstance(name, str) else name[1] for name in node.names}
            case _:
                pass
    return frozenset(found)
