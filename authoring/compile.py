"""A folder of YAML and templates to frozen releases, with every fault of every file in one run.

What an author writes never raises here: it becomes a finding. A release exists only when nothing at all is wrong, so
that a catalogue is never half of what was meant.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from authoring import health, impossible
from authoring.catalogue import check_owners, compile_facts
from authoring.checklists import check_steps, read_checklists
from authoring.diagnostics import Diagnostic, Place, Report, near
from authoring.echoes import without_echoes
from authoring.grammar import FILE_KINDS
from authoring.inputs import variant
from authoring.lifecycles import compile_lifecycle
from authoring.namespace import Names
from authoring.playbooks import compile_playbook_file
from authoring.source import Mapping as MappingNode
from authoring.source import Scalar, Source, parse, read_text
from authoring.team import Team, compile_team
from authoring.templates import FOLDER, Library
from lifecycle.health import HealthModel
from lifecycle.playbook import Lifecycle, Manifest, Playbook, Release, digest_of

UNREADABLE = "unreadable"
_SUFFIXES = (".yaml", ".yml")
_TEMPLATES = (".txt", ".mjml", ".md")


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of a folder. With an error among the findings there is no catalogue and `releases` is empty.

    `digest` names the catalogue; `releases` holds it, the lifecycle and every playbook by digest. `scenarios`: the
    files that test the playbooks, which are part of no release. `sources`: what was read, by the name of the playbook,
    `lifecycle`, `facts`, and `journey` with its name. `models`: every health model by name; the lifecycle has the one
    that it names. `unreadable`: the files of which nobody can say what they declare, as findings name them.
    """

    catalogue: Manifest | None = None
    digest: str = ""
    releases: dict[str, Release] = field(default_factory=dict)
    team: Team | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    scenarios: tuple[Source, ...] = ()
    sources: dict[str, Source] = field(default_factory=dict)
    models: dict[str, HealthModel] = field(default_factory=dict)
    unreadable: tuple[str, ...] = ()


def compile_folder(playbooks: Path, templates: Path) -> Compiled:
    """Compile every `.yaml` below `playbooks` with the templates below `templates`. Never raises for their content."""
    report = Report()
    files = _read_all(playbooks, report)
    library = Library(read_templates(templates, report), report, templates.name or FOLDER)
    named = _names_of(files["playbook"], report)
    catalogue = compile_facts(files["facts"][0] if files["facts"] else None, report)
    drafts = health.read_models(files["health_model"], report)
    unsure = not catalogue.complete or _unsure(files)
    lifecycle = (
        compile_lifecycle(
            files["lifecycle"][0], catalogue, None if unsure else list(named), report, drafts, files["journey"]
        )
        if files["lifecycle"]
        else None
    )
    if lifecycle is not None and files["facts"]:
        check_owners(files["facts"][0], lifecycle.roles, report)
    names = Names.of(None if unsure else lifecycle, list(named))
    models = {name: health.checked(draft, names, lifecycle, report) for name, draft in drafts.items()}
    if lifecycle is not None and lifecycle.health is not None:
        lifecycle = replace(lifecycle, health=models[lifecycle.health.name])
    bases = {node.value: source for source in files["playbook"] if (node := _name_of(source)) is not None}
    variants = [variant(source, bases, report) for source in files["playbook"]]
    books = [compile_playbook_file(item, names, library, report) for item in variants]
    if lifecycle is not None and files["checklists"]:
        lists, steps = read_checklists(files["checklists"][0], names, report)
        check_steps(steps, [book for book in books if book is not None], report)
        lifecycle = replace(lifecycle, checklists=lists)
    team = compile_team(files["team"][0], lifecycle, report) if files["team"] else None
    _only_one(files, report)
    if lifecycle is None and not files[UNREADABLE] and playbooks.is_dir():
        what = "there is no lifecycle file, so no name in the playbooks could be checked"
        report.add("no-lifecycle", Place(playbooks.name), what, f"add {playbooks.name}/lifecycle.yaml.")
    read = [(item.source, book) for item, book in zip(variants, books, strict=True) if book is not None]
    if lifecycle is not None and not report.failed:
        for source, book in read:
            impossible.check(book, source, lifecycle, report)
    found = without_echoes(report.sorted(), files[UNREADABLE])
    if report.failed or lifecycle is None:
        return Compiled(team=team, diagnostics=found, unreadable=tuple(source.file for source in files[UNREADABLE]))
    released = _released(lifecycle, [book for _source, book in read], team, found)
    sources = {book.name: source for source, book in read}
    sources |= {kind: source for kind in ("lifecycle", "facts") for source in files[kind][:1]}
    sources |= {f"journey {journey}": source for source in files["journey"] if (journey := _journey_of(source))}
    return replace(released, scenarios=tuple(files["scenario"]), sources=sources, models=models)


def _released(
    lifecycle: Lifecycle, books: list[Playbook], team: Team | None, found: tuple[Diagnostic, ...]
) -> Compiled:
    digests = {book.name: digest_of(book) for book in books}
    manifest = Manifest(digest_of(lifecycle), dict(sorted(digests.items())))
    releases: dict[str, Release] = {manifest.lifecycle: lifecycle, digest_of(manifest): manifest}
    releases |= {digests[book.name]: book for book in books}
    return Compiled(manifest, digest_of(manifest), releases, team, found)


def compile_playbook(
    text: str,
    file: str,
    lifecycle: Lifecycle | None,
    templates: Mapping[str, str],
    playbooks: Collection[str] | None = None,
    used: Collection[Source] = (),
) -> tuple[Playbook | None, tuple[Diagnostic, ...]]:
    """Compile one playbook.

    Args:
        text: the YAML.
        file: as shown to people.
        lifecycle: what it is checked against; None accepts every name.
        templates: path below the templates folder to text.
        playbooks: the names of all playbooks, for `playing.`; None accepts each.
        used: the playbooks that this one may use.

    Returns:
        The playbook, None when anything is wrong with it; and the findings, sorted by place.
    """
    report = Report()
    source = parse(text, file, report)
    library = Library(templates, report)
    bases = {node.value: other for other in (*used, source) if (node := _name_of(other)) is not None}
    found = variant(source, bases, report)
    book = compile_playbook_file(found, Names.of(lifecycle, playbooks), library, report)
    return (None if report.failed else book), report.sorted()


def read_templates(folder: Path, report: Report) -> dict[str, str]:
    """Every template for messages below a folder, by its path there; pages of the dashboard are no part of it."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix in _TEMPLATES and path.is_file():
            name = path.relative_to(folder).as_posix()
            text = read_text(path, f"{folder.name}/{name}", report)
            if text is not None:
                found[name] = text
    return found


def _read_all(folder: Path, report: Report) -> dict[str, list[Source]]:
    """The files of a folder by what their keys say they are; scenarios are read elsewhere."""
    files: dict[str, list[Source]] = {kind: [] for kind in (*FILE_KINDS.values(), UNREADABLE)}
    if not folder.is_dir():
        report.add("file", Place(str(folder)), "is not a folder", "name the folder that holds the playbooks.")
    for path in sorted(folder.rglob("*")):
        if path.suffix not in _SUFFIXES or not path.is_file():
            continue
        name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
        text = read_text(path, name, report)
        source = parse(text, name, report) if text is not None else None
        kind = kind_of_file(source, report) if source else UNREADABLE
        files[kind].append(source or Source(name, (), None))
    return files


def kind_of_file(source: Source, report: Report) -> str:
    """What a file is, by its keys; `UNREADABLE` (with a finding) when they do not tell."""
    if isinstance(source.root, MappingNode):
        for key, kind in FILE_KINDS.items():
            if key in source.root.entries:
                return kind
        first = next(iter(source.root.keys.values()), None)
        meant = near(first.value, FILE_KINDS) if first else ""
        known = "playbook, lifecycle, journey, checklists, facts, people, health_model or scenario"
        what = f"does not say what it is: no key {known}"
        if first is not None and meant.startswith("did"):
            report.add("missing-key", first.place, what, meant)
        else:
            report.add("missing-key", source.head, what, 'start with "playbook: its-name".')
    elif source.root is not None:
        report.add("value", source.head, "is no mapping of keys to values", 'start with "playbook: its-name".')
    return UNREADABLE


def _names_of(sources: list[Source], report: Report) -> dict[str, Scalar]:
    """Every playbook's name, each once."""
    named: dict[str, Scalar] = {}
    for source in sources:
        node = _name_of(source)
        if node is None:
            continue
        if node.value in named:
            what, first = f'two playbooks are called "{node.value[:60]}"', str(named[node.value].place)
            report.add("duplicate-name", node.place, what, "rename one of them.", related=first)
        named.setdefault(node.value, node)
    return named


def _name_of(source: Source) -> Scalar | None:
    node = source.root.entries.get("playbook") if isinstance(source.root, MappingNode) else None
    return node if isinstance(node, Scalar) else None


def _journey_of(source: Source) -> str:
    node = source.root.entries.get("journey") if isinstance(source.root, MappingNode) else None
    return node.value if isinstance(node, Scalar) else ""


def _unsure(files: dict[str, list[Source]]) -> bool:
    """Whether a file that could not be read may have declared the names: then no name is called unknown."""
    return bool(files[UNREADABLE]) and not (files["lifecycle"] and files["facts"])


def _only_one(files: dict[str, list[Source]], report: Report) -> None:
    for kind in ("lifecycle", "facts", "team", "checklists"):
        for source in files[kind][1:]:
            what, first = f"there is another {kind} file", str(files[kind][0].head)
            report.add("duplicate-name", source.head, what, "keep one of the two.", related=first)
