"""Notes of calls: what one says is read to the letter, each mistake is told at its line, and no text does harm."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authoring.notes import MOST_CHARACTERS, AccountHealth, Action, Note, owners_of, parse

OWNERS = owners_of({"csm": (), "cs_manager": ()}, {"csm": ("mara", "Mara Lindqvist")})
REVIEW = """# 2026-03-10 - QBR: Acme

## Account Health

- NPS: 9 (last: 7)
- **Adoption:** 72% (target: 80%)
- Renewal: 2026-09-30

---

## Key Wins

- Reporting takes one hour,
  and took a day

## Concerns

- [[Ada Ek]] looks at a competitor

## Action Items

- [ ] Send the roadmap (owner: Mara, due: 2026-03-20)
- [ ] Show the import to [[Ben Ito]] (today, if it can be)
- [x] Close the ticket (owner: cs manager)

## Expansion Opportunity

1. Teams: Finance, Marketing
2. ACV uplift: $24,000

## Goals

- Half the time for reports
"""


def read(text: str) -> Note:
    note, wrong = parse(text, "note.md", OWNERS)
    assert note is not None, wrong
    return note


def test_a_note_says_everything_that_stands_in_it() -> None:
    assert read(REVIEW) == Note(
        date(2026, 3, 10),
        "QBR",
        "Acme",
        AccountHealth(nps=9, nps_last=7, adoption=72, adoption_target=80, renewal="2026-09-30"),
        wins=("Reporting takes one hour, and took a day",),
        concerns=("[[Ada Ek]] looks at a competitor",),
        actions=(
            Action("Send the roadmap", "csm", date(2026, 3, 20)),
            Action("Show the import to [[Ben Ito]] (today, if it can be)"),
            Action("Close the ticket", "cs_manager", done=True),
        ),
        goals=("Half the time for reports",),
        teams=("Finance", "Marketing"),
        uplift=24_000,
        people=("Ada Ek", "Ben Ito"),
    )


def test_a_title_alone_is_a_note_and_windows_and_word_processors_change_nothing() -> None:
    assert read("2026-03-10 – call: Acme") == Note(date(2026, 3, 10), "Call", "Acme")  # noqa: RUF001 - as pasted
    assert read("\ufeff" + REVIEW.replace("\n", "\r\n")) == read(REVIEW)


@pytest.mark.parametrize(
    ("money", "worth"), [("24k", 24_000), ("€1.5m", None), ("2 M a year", 2_000_000), ("950", 950), ("9" * 13, None)]
)
def test_an_uplift_is_read_or_refused(money: str, worth: int | None) -> None:
    note, wrong = parse(f"# 2026-03-10 - Call: Acme\n\n## Expansion Opportunity\n- uplift: {money}\n", "n", {})
    assert (note.uplift if note else None) == worth
    assert bool(wrong) is (worth is None)


@pytest.mark.parametrize(
    ("health", "wins", "concerns", "mood"),
    [
        ("- Sentiment: Negative\n- NPS: 10", 0, 0, "negative"),
        ("- NPS: 9", 0, 3, "positive"),
        ("- NPS score: 8 (was: 10)", 3, 0, "neutral"),
        ("- NPS: 6", 3, 0, "negative"),
        ("", 2, 1, "positive"),
        ("", 1, 2, "negative"),
        ("", 1, 1, "neutral"),
    ],
)
def test_the_mood_is_what_it_says_then_the_nps_then_what_is_more(
    health: str, wins: int, concerns: int, mood: str
) -> None:
    text = f"# 2026-03-10 - EBR: Acme\n\n## Account Health\n{health}\n"
    text += "## Key Wins\n" + "- a\n" * wins + "## Concerns\n" + "- b\n" * concerns
    assert read(text).sentiment == mood
    assert read(text).title == "EBR of 2026-03-10"


WRONG = [
    ("# 2026-03-10 - QBR: Acme", "", 3, "this is no title of a note"),
    ("# 2026-03-10 - QBR: Acme", "- x", 1, "the note has no title"),
    ("# 2026-03-10 - QBR: Acme", "# Acme", 1, "this is no title of a note"),
    ("2026-03-10 - QBR", "2026-03-10 - Lunch", 1, "this is no kind of call"),
    ("2026-03-10 - QBR", "2026-02-30 - QBR", 1, "this is no date of the years 2000 to 2200"),
    ("2026-03-10 - QBR", "1999-03-10 - QBR", 1, "this is no date of the years 2000 to 2200"),
    ("QBR: Acme", f"QBR: {'A' * 101}", 1, "the name of the account is too long"),
    ("## Concerns", "## Worries", 16, "a note has no such heading"),
    ("## Goals", "## Key wins", 31, "this heading stands here twice"),
    ("- NPS: 9", "- NSP: 9", 5, "no such label stands here"),
    ("- NPS: 9", "- nine of ten", 5, "this is no label with its value"),
    ("NPS: 9 (", "NPS: 11 (", 5, "this value cannot be read"),
    ("(last: 7)", "(last: seven)", 5, "this value cannot be read"),
    ("72%", "172%", 6, "this value cannot be read"),
    ("Adoption:** 72%", "Adoption:** high", 6, "this value cannot be read"),
    ("Renewal: 2026-09-30", "Renewal:", 7, "this value cannot be read"),
    ("Renewal: 2026-09-30", "Sentiment: good", 7, "this value cannot be read"),
    ("Teams: Finance, Marketing", "Teams: ,", 28, "this value cannot be read"),
    ("- [ ] Send", "- Send", 22, "this is no action item"),
    ("owner: Mara", "owner: Zoe", 22, "nobody of this customer's team is called so"),
    ("due: 2026-03-20", "due: soon", 22, "this is no date of the years 2000 to 2200"),
    ("owner: Mara,", "owner: Mara, by: me,", 22, "only an owner and a due date stand here"),
    ("owner: Mara,", "owner: Mara, owner,", 22, "only an owner and a due date stand here"),
    ("- Half the time for reports", "Half the time for reports", 33, "this stands outside of every list"),
    ("- Half the time for reports", "- one\n  - two", 34, "this item stands below another one"),
    ("- Half the time for reports", "- - two", 33, "this item says nothing"),
    ("- Half the time for reports", "-", 33, "this item says nothing"),
    ("- Half the time for reports", f"- {'x' * 501}", 33, "this item is longer than 500 characters"),
    ("- Half the time for reports", "- x\n" * 51, 83, "more than 50 items stand below this heading"),
    ("- [x] Close", "- [ ] x\n" * 20 + "- [x] Close", 42, "more than 20 items stand below this heading"),
    ("## Account Health\n", "", 4, "this item stands below no heading"),
    ("Half the time", "Half\x07 the time", 33, "a control character stands in this line"),
    ("Half the time", "x" * MOST_CHARACTERS, 1, "the note has 40"),
]


@pytest.mark.parametrize(
    ("old", "new", "line", "what"), WRONG, ids=[f"{n} {row[3][:30]}" for n, row in enumerate(WRONG)]
)
def test_a_mistake_is_told_at_its_line_and_nothing_is_taken(old: str, new: str, line: int, what: str) -> None:
    assert old in REVIEW
    note, wrong = parse(REVIEW.replace(old, new, 1), "note.md", OWNERS)
    assert note is None
    assert any(item.place.line == line and item.what.startswith(what) for item in wrong), wrong
    assert all(item.fix and item.reason for item in wrong)


def test_what_stands_below_an_unknown_heading_is_not_told_twice() -> None:
    _, wrong = parse(REVIEW.replace("## Concerns", "## Worries"), "note.md", OWNERS)
    assert [item.what for item in wrong] == ["a note has no such heading"]


HARM = (
    "[",
    "]",
    "(",
    ")",
    "*",
    "- ",
    "\n",
    "#",
    " ",
    "[ ]",
    "[[",
    "owner:",
    "due:",
    "9",
    ":",
    "%",
    "\t",
    "\x00",
    "|",
    "> ",
)


@given(st.lists(st.one_of(st.sampled_from(HARM), st.text(max_size=8)), max_size=60).map("".join))
def test_no_text_does_harm(text: str) -> None:
    for whole in (text, f"# 2026-03-10 - QBR: Acme\n## Action Items\n- [ ] {text}", REVIEW + text):
        note, wrong = parse(whole, "n", OWNERS)
        assert (note is None) is bool(wrong)


WORDS = st.text(st.sampled_from("abc DEF,.'é[]"), min_size=1, max_size=40).map(
    lambda text: " ".join(text.split()) or "a"
)
PLAIN = (
    WORDS.map(lambda text: text.replace("[", "").replace("]", "") or "a").map(str.strip).map(lambda text: text or "a")
)


@given(st.dates(date(2000, 1, 1), date(2200, 12, 31)), st.lists(PLAIN, max_size=5), st.lists(PLAIN, max_size=5))
def test_what_is_written_is_what_is_read(day: date, wins: list[str], actions: list[str]) -> None:
    text = f"# {day} - QBR: Acme\n## Key Wins\n" + "".join(f"- {win}\n" for win in wins)
    text += "## Action Items\n" + "".join(f"- [ ] {one} (due: {day})\n" for one in actions)
    note = read(text)
    assert note.wins == tuple(wins)
    assert note.actions == tuple(Action(one, due_on=day) for one in actions)
