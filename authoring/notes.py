"""A note of a call or a business review: Markdown in, what it says out, with every mistake at its line.

Pure and total: no text raises, and none takes long, because long ones are refused before they are read. The form is
strict, so that nothing a person wrote is lost in silence: what stands where nobody would look for it is a mistake.
docs/notes.md describes the form; a heading or label is added in `_SECTIONS` or `_HEALTH`, and there.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal

from authoring.diagnostics import Diagnostic, Place, Report, near
from authoring.note_blocks import Block, blocks

MOST_CHARACTERS = 40_000
MOST_ITEMS = 50
MOST_ACTIONS = 20
"""Each is a play of its own in the customer's state."""
LONGEST_ITEM = 500
LONGEST_NAME = 100
MOST_UPLIFT = 10**12
YEARS = range(2000, 2201)
PROMOTER, PASSIVE = 9, 7
KINDS = ("QBR", "EBR", "Call", "Kickoff", "Check-in")
Sentiment = Literal["positive", "neutral", "negative"]
SENTIMENTS: tuple[Sentiment, ...] = ("positive", "neutral", "negative")

_TITLE = re.compile(r"(\S+) +[-–—] +([^:]{1,40}): *(.+)")  # noqa: RUF001 - what word processors make of a hyphen
_LABEL = re.compile(r"\*{0,2}([A-Za-z ]{2,30}?)\*{0,2} *: *\*{0,2} *(.*)", re.DOTALL)
_NPS = re.compile(r"([0-9]{1,2})(?: +\((?:last|was): *([0-9]{1,2})\))?", re.IGNORECASE)
_ADOPTION = re.compile(r"([0-9]{1,3}) ?%(?: +\(target: *([0-9]{1,3}) ?%\))?", re.IGNORECASE)
_MONEY = re.compile(r"[$€£]? ?([0-9]{1,3}(?:[, ][0-9]{3}){0,4}|[0-9]{1,13})( ?[kKmM])?(?: +(?:a|per) +year)?")
_BOX = re.compile(r"\[([ xX])\] +(.*)", re.DOTALL)
_TAIL = re.compile(r"(.*\S)\s*\(\s*((?:owner|due)\s*:[^()]*)\)\Z", re.DOTALL | re.IGNORECASE)
_PERSON = re.compile(r"\[\[([^\[\]\n]{1,100})\]\]")
_WHY = "what a note says changes the account, so it is read to the letter and never guessed at."


@dataclass(frozen=True, slots=True)
class Action:
    """Something that was agreed. `owner`: a teammate role, empty where the note names none; `due_on`: as `owner`."""

    text: str
    owner: str = ""
    due_on: date | None = None
    done: bool = False


@dataclass(frozen=True, slots=True)
class AccountHealth:
    """What a note states of the account. NPS as given, 0 to 10; adoption in percent; `renewal`: in its own words."""

    nps: int | None = None
    nps_last: int | None = None
    adoption: int | None = None
    adoption_target: int | None = None
    renewal: str = ""
    sentiment: Sentiment | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """What a note says, in its order. `kind`: one of `KINDS`; `uplift`: yearly, in whole units of currency."""

    held_on: date
    kind: str
    account: str
    health: AccountHealth = AccountHealth()
    wins: tuple[str, ...] = ()
    concerns: tuple[str, ...] = ()
    actions: tuple[Action, ...] = ()
    goals: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    uplift: int | None = None
    people: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """`QBR of 2026-03-10`."""
        return f"{self.kind} of {self.held_on.isoformat()}"

    @property
    def sentiment(self) -> Sentiment:
        """As it says; else by the NPS that it states, else by whether wins or concerns are more."""
        if self.health.sentiment is not None:
            return self.health.sentiment
        if self.health.nps is not None:
            nps = self.health.nps
            return "positive" if nps >= PROMOTER else "neutral" if nps >= PASSIVE else "negative"
        more = len(self.wins) - len(self.concerns)
        return "positive" if more > 0 else "negative" if more < 0 else "neutral"


@dataclass(slots=True)
class _Found:
    """What was read so far; `health` and the expansion fill up label by label."""

    health: AccountHealth = field(default_factory=AccountHealth)
    items: dict[str, list[str]] = field(default_factory=dict)
    actions: list[Action] = field(default_factory=list)
    teams: tuple[str, ...] = ()
    uplift: int | None = None


def plain(text: str) -> str:
    """A text of a note as people read it elsewhere: `[[Ada Ek]]` is Ada Ek."""
    return _PERSON.sub(r"\1", text)


def parse(text: str, file: str, owners: Mapping[str, str]) -> tuple[Note | None, tuple[Diagnostic, ...]]:
    """Read a note.

    Args:
        text: as pasted.
        file: what it is called in findings.
        owners: what an action item may name as its owner, in small letters, and the teammate role that is meant.

    Returns:
        The note, and no finding; or None, and every mistake by line.
    """
    report = Report()
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    reader = _Reader(text.split("\n"), file, owners, report)
    note = reader.note(text) if reader.readable(text) else None
    found = report.sorted()
    return (None if found else note), found


def owners_of(roles: Mapping[str, object], team: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """What may stand as the owner of an action item. `team`: role to the id and name of who has it."""
    found = {role.replace("_", joint): role for role in roles for joint in ("_", " ")}
    for role, (person, name) in team.items():
        for word in (person, name, name.partition(" ")[0]):
            found.setdefault(word.lower(), role)
    return found


class _Reader:
    """Walks the blocks of one note."""

    def __init__(self, lines: list[str], file: str, owners: Mapping[str, str], report: Report) -> None:
        self.lines, self.file, self.owners, self.report = lines, file, owners, report
        self.found = _Found()

    # --- places -----------------------------------------------------------------------------------------------------

    def place(self, line: int, words: str = "") -> Place:
        """A line, counted from 0, or the words in it."""
        source = self.lines[line] if line < len(self.lines) else ""
        column = max(0, source.find(words)) if words else len(source) - len(source.lstrip())
        return Place(self.file, line + 1, column + 1, max(1, len(words or source.strip())), source)

    def wrong(self, rule: str, line: int, what: str, fix: str, words: str = "") -> None:
        """Record a mistake."""
        self.report.add(rule, self.place(line, words), what, fix, why=_WHY)

    # --- the whole --------------------------------------------------------------------------------------------------

    def readable(self, text: str) -> bool:
        """Whether it is short and plain enough to be looked at."""
        if len(text) > MOST_CHARACTERS:
            self.wrong("too-large", 0, f"the note has {len(text)} characters", f"write at most {MOST_CHARACTERS}.")
            return False
        for number, line in enumerate(self.lines):
            if any(unicodedata.category(letter) in ("Cc", "Cs") and letter != "\t" for letter in line):
                self.wrong("value", number, "a control character stands in this line", "write plain text.")
                return False
        return True

    def note(self, text: str) -> Note | None:
        """The note; what is wrong with it, the report says."""
        pieces = list(blocks(text))
        title = self._title(pieces[0] if pieces else None)
        section = ""
        seen: dict[str, int] = {}
        for block in pieces[1:]:
            if block.kind == "heading":
                section = self._section(block, seen)
            elif block.kind == "item":
                self._item(section, block)
            else:
                fix = 'write it as an item, "- ...", below a heading.'
                self.wrong("value", block.line, "this stands outside of every list", fix)
        if title is None:
            return None
        found = self.found
        wins, concerns, goals = (tuple(found.items.get(name, ())) for name in ("wins", "concerns", "goals"))
        people = tuple(dict.fromkeys(name.strip() for name in _PERSON.findall(text) if name.strip()))
        return replace(
            title,
            health=found.health,
            actions=tuple(found.actions),
            teams=found.teams,
            uplift=found.uplift,
            people=people,
            wins=wins,
            concerns=concerns,
            goals=goals,
        )

    def _title(self, block: "Block | None") -> Note | None:
        form = 'begin with a title such as "# 2026-03-10 - QBR: Acme".'
        if block is None or block.kind == "item":
            self.wrong("missing-key", block.line if block else 0, "the note has no title", form)
            return None
        found = _TITLE.fullmatch(block.text)
        if found is None:
            self.wrong("value", block.line, "this is no title of a note", form)
            return None
        day, word, account = found[1], found[2].strip(), found[3].strip()
        kind = next((name for name in KINDS if name.lower() == word.lower()), "")
        if not kind:
            self.wrong("value", block.line, "this is no kind of call", near(word, KINDS), word)
        held_on = self._day(block.line, day)
        if len(account) > LONGEST_NAME:
            self.wrong("range", block.line, "the name of the account is too long", "shorten it.")
        return Note(held_on, kind, account) if held_on and kind else None

    def _day(self, line: int, written: str) -> date | None:
        try:
            found = date.fromisoformat(written) if len(written) == 10 else None  # noqa: PLR2004 - YYYY-MM-DD
        except ValueError:
            found = None
        if found is None or found.year not in YEARS:
            self.wrong(
                "time", line, "this is no date of the years 2000 to 2200", 'write it like "2026-03-10".', written
            )
            return None
        return found

    def _section(self, block: "Block", seen: dict[str, int]) -> str:
        name = block.text.strip().strip("*").strip().lower()
        if name not in _SECTIONS:
            self.wrong("unknown-key", block.line, "a note has no such heading", near(name, _SECTIONS))
            return "unknown"
        if name in seen:
            self.report.add(
                "duplicate-key",
                self.place(block.line),
                "this heading stands here twice",
                "keep one of the two.",
                why=_WHY,
                related=str(self.place(seen[name])),
            )
        seen.setdefault(name, block.line)
        return _SECTIONS[name]

    # --- items ------------------------------------------------------------------------------------------------------

    def _item(self, section: str, block: "Block") -> None:
        if block.depth > 1:
            self.wrong("too-deep", block.line, "this item stands below another one", "make it an item of its own.")
            return
        if not block.text:
            self.wrong("value", block.line, "this item says nothing", "write it, or remove the line.")
        elif len(block.text) > LONGEST_ITEM:
            self.wrong("range", block.line, f"this item is longer than {LONGEST_ITEM} characters", "shorten it.")
        elif section == "health":
            self._labelled(block, _HEALTH)
        elif section == "expansion":
            self._labelled(block, _EXPANSION)
        elif section == "actions":
            self._action(block)
        elif section in ("wins", "concerns", "goals"):
            self._listed(section, block)
        elif section != "unknown":
            self.wrong(
                "value", block.line, "this item stands below no heading", 'add "## Key Wins" or another above it.'
            )

    def _listed(self, section: str, block: "Block") -> None:
        those = self.found.items.setdefault(section, [])
        self._room(len(those), block.line)
        those.append(block.text)

    def _room(self, there: int, line: int, most: int = MOST_ITEMS) -> None:
        if there == most:
            self.wrong("too-large", line, f"more than {most} items stand below this heading", "shorten the list.")

    def _action(self, block: "Block") -> None:
        found = _BOX.fullmatch(block.text)
        if found is None:
            self.wrong("value", block.line, "this is no action item", 'write "- [ ] Send the roadmap".')
            return
        self._room(len(self.found.actions), block.line, MOST_ACTIONS)
        tail = _TAIL.fullmatch(found[2].strip())
        words, rest = (tail[1], tail[2]) if tail else (found[2].strip(), "")
        action = Action(words, done=found[1] != " ")
        for part in rest.split(",") if rest else ():
            action = self._about(action, part, block.line)
        self.found.actions.append(action)

    def _about(self, action: Action, part: str, line: int) -> Action:
        """What stands in brackets behind an action item: `owner: ae` or `due: 2026-03-20`."""
        key, colon, value = (word.strip() for word in part.partition(":"))
        if key.lower() == "due":
            return replace(action, due_on=self._day(line, value))
        if key.lower() != "owner" or not colon:
            fix = 'write "(owner: csm, due: 2026-03-20)".'
            self.wrong("unknown-key", line, "only an owner and a due date stand here", fix, part.strip())
            return action
        role = self.owners.get(value.lower(), "")
        if not role:
            what = "nobody of this customer's team is called so"
            self.wrong("unknown-role", line, what, near(value.lower(), self.owners), value)
        return replace(action, owner=role)

    # --- labels -----------------------------------------------------------------------------------------------------

    def _labelled(self, block: "Block", labels: "Mapping[str, _Label]") -> None:
        found = _LABEL.fullmatch(block.text)
        if found is None:
            example = next(iter(labels.values())).example
            self.wrong("value", block.line, "this is no label with its value", f'write "- {example}".')
            return
        label = labels.get(" ".join(found[1].lower().split()))
        if label is None:
            names = [item.example.partition(":")[0] for item in labels.values()]
            self.wrong("unknown-key", block.line, "no such label stands here", near(found[1], names), found[1])
        elif not label.read(self, found[2].strip(), block.line):
            self.wrong("value", block.line, "this value cannot be read", f'write "{label.example}".', found[2].strip())

    def nps(self, value: str, _line: int) -> bool:
        """`9 (last: 7)`."""
        found = _NPS.fullmatch(value)
        now, last = (int(item) if item else None for item in found.groups()) if found else (None, None)
        self.found.health = replace(self.found.health, nps=now, nps_last=last)
        return now is not None and max(now, last or 0) <= 10  # noqa: PLR2004 - the scale of NPS

    def adoption(self, value: str, _line: int) -> bool:
        """`72% (target: 80%)`."""
        found = _ADOPTION.fullmatch(value)
        now, target = (int(item) if item else None for item in found.groups()) if found else (None, None)
        self.found.health = replace(self.found.health, adoption=now, adoption_target=target)
        return now is not None and max(now, target or 0) <= 100  # noqa: PLR2004 - percent

    def renewal(self, value: str, _line: int) -> bool:
        """A date, or anything that says how it stands."""
        self.found.health = replace(self.found.health, renewal=value)
        return bool(value)

    def mood(self, value: str, _line: int) -> bool:
        """`positive`, `neutral` or `negative`."""
        found = next((name for name in SENTIMENTS if name == value.lower()), None)
        self.found.health = replace(self.found.health, sentiment=found)
        return found is not None

    def teams(self, value: str, _line: int) -> bool:
        """Names, with commas between."""
        self.found.teams = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        return bool(self.found.teams)

    def uplift(self, value: str, _line: int) -> bool:
        """`$24,000` or `24k`."""
        found = _MONEY.fullmatch(value)
        if found is None:
            return False
        scale = {"k": 1_000, "m": 1_000_000}.get((found[2] or "").strip().lower(), 1)
        self.found.uplift = int(re.sub(r"[, ]", "", found[1])) * scale
        return self.found.uplift <= MOST_UPLIFT


@dataclass(frozen=True, slots=True)
class _Label:
    """How the value of a label is read; False where it cannot be."""

    read: Callable[[_Reader, str, int], bool]
    example: str


_SECTIONS = {
    "account health": "health",
    "key wins": "wins",
    "concerns": "concerns",
    "action items": "actions",
    "expansion opportunity": "expansion",
    "goals": "goals",
}
_NPS_LABEL, _UPLIFT_LABEL = _Label(_Reader.nps, "NPS: 9 (last: 7)"), _Label(_Reader.uplift, "ACV uplift: $24,000")
_HEALTH = {
    "nps": _NPS_LABEL,
    "nps score": _NPS_LABEL,
    "adoption": _Label(_Reader.adoption, "Adoption: 72% (target: 80%)"),
    "renewal": _Label(_Reader.renewal, "Renewal: 2026-09-30"),
    "sentiment": _Label(_Reader.mood, "Sentiment: positive"),
}
_EXPANSION = {
    "teams": _Label(_Reader.teams, "Teams: Finance, Marketing"),
    "acv uplift": _UPLIFT_LABEL,
    "uplift": _UPLIFT_LABEL,
}
