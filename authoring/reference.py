"""The tables of the documents, made from the grammar: `python -m authoring.reference` writes them and the JSON Schema.

In a page a line `<!-- grammar: step -->` says that the table of that shape follows, up to `<!-- end -->`. A second
word narrows it: `one` to the keys of which exactly one stands, `rest` to the others.
"""

import re
from pathlib import Path

from authoring import schema
from authoring.grammar import GRAMMAR
from authoring.grammar_form import Key, Shape

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/playbook-reference.md"
PAGES = (PAGE, "docs/foresight.md", "docs/import.md")
SCHEMA = "playbooks/schema.json"
_MARKED = re.compile(r"(<!-- grammar: (\w+)(?: (one|rest))? -->\n).*?(<!-- end -->)", re.DOTALL)


def page(text: str) -> str:
    """The page with every marked table made anew.

    Raises:
        KeyError: a marker names a shape that the grammar does not have.
    """
    return _MARKED.sub(lambda found: f"{found[1]}{table(GRAMMAR[found[2]], found[3] or '')}{found[4]}", text)


def shapes_of(text: str) -> set[str]:
    """The shapes whose tables a page has."""
    return {found[2] for found in _MARKED.finditer(text)}


def table(shape: Shape, part: str = "") -> str:
    """One row a key."""
    chosen = [key for key in shape.keys if not part or key.one == (part == "one")]
    rows = "".join(_row(key) for key in chosen)
    return f"\n| key | value | means | left out |\n| --- | --- | --- | --- |\n{rows}\n"


def _row(key: Key) -> str:
    default = "required" if key.required else key.default
    example = f", such as `{key.example}`" if key.example else ""
    return f"| `{key.name}` | {key.kind.shown} | {key.doc}{example} | {default} |\n"


def main(root: Path = ROOT) -> None:
    """Write pages and schema."""
    for name in PAGES:
        text = (root / name).read_text(encoding="utf-8")
        (root / name).write_text(page(text), encoding="utf-8")
    (root / SCHEMA).write_text(schema.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
