"""What templates know by name of a scene; `render` adds what the settings say.

Pure. The names are those of the playbook reference, "Templates"; adding one means adding it there and in
`authoring.variables`. Facts stand under their dotted name; one that is not known is undefined.
"""

from types import SimpleNamespace
from typing import Any

from activities import documents
from activities.mime import one_line
from activities.scene import Scene, written_day
from authoring.notes import plain
from lifecycle import calendar, conditions
from lifecycle.model import Value
from lifecycle.playbook import CONTRACT_END, FactSpec
from store import interactions
from store.team import Person

_SPELLED = ("AE", "API", "ARR", "CES", "CS", "CSAT", "CSM", "EBR", "NPS", "P1", "P2", "P3", "P4", "QBR", "ROI", "SSO")
_SHORT = {word.lower(): word for word in (*_SPELLED, "TAM")}
NOBODY = SimpleNamespace(name="", first_name="", email="", role="")
"""The contact of a text that somebody looks at before there is one."""


def of(scene: Scene) -> dict[str, Any]:
    """Every name that does not depend on how this process delivers."""
    book = scene.source.book
    values: dict[str, Any] = {
        **_facts(scene),
        "customer": _customer(scene),
        "sender": _person(scene.sender),
        "owner": _person(scene.owner),
        "play": _play(scene),
        "step": SimpleNamespace(id=scene.command.step, title=title_of(scene.command.step)),
        "milestones": _milestones(scene),
        "team": SimpleNamespace(**{role: _person(person) for role, person in scene.everyone().items()}),
        "inputs": SimpleNamespace(**(book.inputs if book else {})),
    }
    if scene.about is not None:
        values["contact"] = _person(scene.about, role=_role(scene, scene.about))
    values["note"] = SimpleNamespace(**_note(scene))
    return values


def _note(scene: Scene) -> dict[str, str]:
    """What a text may say of the item of a note that its play is about; nothing where it is about something else."""
    item, life = scene.item, scene.source.lifecycle
    if item is None:
        return {}
    kind, day = interactions.call_of(item.interaction)
    risk = life.risks.get(item.risk) if life else None
    found = {"item": one_line(plain(item.text), "an item"), "call": f"{kind} of {written_day(day)}"}
    return {**found, "risk": risk.title, "play": risk.play} if risk else found


def known_or_missing(scene: Scene) -> dict[str, SimpleNamespace]:
    """The customer, and what is not known of it stands there as missing, with the role that can say it: never as a
    blank, and never as a zero.
    """
    customer = _customer(scene)
    for name, title in (("country", "country"), ("arr", "yearly revenue"), ("band", "health band")):
        if not getattr(customer, name):
            setattr(customer, name, missing(scene, title))
    contact = _nobody(missing(scene, "champion")) if scene.about is None else _named(scene, scene.about)
    return {**_all_facts(scene), "customer": customer, "team": SimpleNamespace(**_team(scene)), "contact": contact}


def missing(scene: Scene, title: str, role: str = "") -> documents.Missing:
    """What stands for what is called `title` and not known. Whoever has `role` for this customer can say it, else
    whoever answers for the playbook; the role where nobody has it.
    """
    asked = role or scene.source.owner
    person = scene.everyone().get(asked)
    return documents.missing(title, person.name if person and person.name else f"the {words_of(asked)}")


def _named(scene: Scene, person: Person) -> SimpleNamespace:
    """A contact by name, or by address where nobody said the name."""
    shown = _person(person, role=_role(scene, person))
    return shown if shown.name else SimpleNamespace(**{**vars(shown), "name": person.email})


def _team(scene: Scene) -> dict[str, SimpleNamespace]:
    """Who has which role; nobody is missing, too."""
    there = {role: _person(person) for role, person in scene.everyone().items()}
    for role in scene.source.lifecycle.roles if scene.source.lifecycle else ():
        there.setdefault(role, _nobody(missing(scene, words_of(role))))
    return there


def _nobody(gone: documents.Missing) -> SimpleNamespace:
    """A person who is missing, and whatever is asked of them with it."""
    return SimpleNamespace(name=gone, first_name=gone, email=gone, role=gone)


def _all_facts(scene: Scene) -> dict[str, SimpleNamespace]:
    """The facts, and what is not known stands there as missing."""
    groups, life = _facts(scene), scene.source.lifecycle
    contract = {CONTRACT_END: FactSpec("date", "Last day of the contract"), "contract.id": FactSpec("text", "Contract")}
    for name, spec in {**contract, **(life.facts if life else {})}.items():
        group, _, leaf = name.partition(".")
        if not hasattr(groups[group], leaf):
            setattr(groups[group], leaf, missing(scene, spec.title or name, spec.owner))
    return groups


def title_of(name: str) -> str:
    """What a step, a role, a playbook is called in front of people: `setup-guide` is Setup guide, `ebr` is EBR."""
    spelled = words_of(name)
    return spelled[:1].upper() + spelled[1:]


def words_of(name: str) -> str:
    """The same within a sentence: `cs_manager` is CS manager, `founder` is founder."""
    plain = name.replace("-", " ").replace("_", " ")
    return " ".join(_SHORT.get(word.lower(), word) for word in plain.split(" "))


def _customer(scene: Scene) -> SimpleNamespace:
    customer = scene.customer
    profile = customer.profile
    return SimpleNamespace(
        name=one_line(customer.name, "the customer's name"),
        tier=profile.tier,
        journey=profile.journey,
        stage=customer.stage,
        country=profile.country,
        arr=profile.arr,
        touch=profile.touch,
        band=customer.band,
    )


def _person(person: Person, role: str = "") -> SimpleNamespace:
    """Name and first name may be empty, never of several lines."""
    name = one_line(person.name, "a name") if person.name else ""
    there = {"meeting_url": person.meeting_url} if person.meeting_url else {}
    first_name = name.split()[0] if name else ""
    return SimpleNamespace(name=name, first_name=first_name, email=person.email, role=role, **there)


def _role(scene: Scene, person: Person) -> str:
    asked = scene.source.step.to if scene.source.step else ()
    return next((role for role in (*asked, *person.roles) if role in person.roles), "").replace("_", " ")


def _play(scene: Scene) -> SimpleNamespace:
    day = (calendar.local(scene.due, scene.zone).date() - scene.anchor).days
    title = scene.source.book.title if scene.source.book else ""
    return SimpleNamespace(day=day, title=title, started_on=written_day(scene.anchor))


def _milestones(scene: Scene) -> SimpleNamespace:
    names = scene.source.lifecycle.milestones if scene.source.lifecycle else ()
    return SimpleNamespace(**{name.replace("-", "_"): name in scene.reached for name in names})


def _facts(scene: Scene) -> dict[str, SimpleNamespace]:
    """Facts as `group.name`; a group exists as soon as the catalogue has it, so that `x is defined` can be asked."""
    groups: dict[str, SimpleNamespace] = {}
    catalogue = scene.source.lifecycle.facts if scene.source.lifecycle else ()
    for name in (*catalogue, *scene.facts, "contract."):
        group, _, _ = name.partition(".")
        groups.setdefault(group, SimpleNamespace())
    for name, value in scene.facts.items():
        group, _, leaf = name.partition(".")
        if value is not None:
            setattr(groups[group], leaf, _shown(scene, name, value))
    return groups


def _shown(scene: Scene, name: str, value: Value) -> Value:
    """A date as people write it; what is none stays as it is."""
    spec = scene.source.lifecycle.facts.get(name) if scene.source.lifecycle else None
    dated = name == CONTRACT_END or (spec is not None and spec.type == "date")
    day = conditions.as_date(value) if dated else None
    return written_day(day) if day else value
