"""Which step of a release is which of another, for plays that go on with it, and what touches call it then.

Pure functions of two releases and a play, for `moving` alone; a plan reads `alike`, too, for what was renamed unsaid.
"""

from collections.abc import Collection, Mapping

from lifecycle import index, schedule
from lifecycle.model import SETTLED, Play, Progress
from lifecycle.playbook import Playbook, Step

GONE = "gone"
"""The way of a choice that the new release no longer has: no branch is called so."""


def matches(play: Play, old: Playbook, new: Playbook) -> dict[str, str]:
    """The steps of a new release that a play knows, each with the id it knows them by."""
    known = index.steps(old).by_id.keys() | play.steps.keys()
    found = {step.id: step.id for step in new.steps if step.id in known}
    for step in new.steps:
        if step.id not in found and step.was in known and step.was not in found.values():
            found[step.id] = step.was
    return found


def alike(old: Step, new: Step) -> bool:
    """Whether two steps do the same to whoever gets it: of one kind, and with one template where they have one."""
    template = getattr(old.action, "template", "")
    if template and old.action.kind == new.action.kind:
        return bool(template == getattr(new.action, "template", ""))
    return old.action == new.action


def fits(progress: Progress, old: Step, new: Step) -> bool:
    """Whether what is open of a step may go on by its new form."""
    if old.action.kind != new.action.kind:
        return False
    match progress.status:
        case "asked":
            return new.approval is not None
        case "held":
            return new.approval is None or old.approval is not None
        case _:
            return True


def way(old: Playbook, new: Playbook, known: Mapping[str, str], choice: str, taken: str) -> str:
    """The number in a new release of the way that a choice took: where its steps stand now, or the same condition."""
    was = {step.id for step in old.steps if (step.under, step.branch) == (choice, taken)}
    name = next(name for name, before in known.items() if before == choice)
    stands = (step.branch for step in new.steps if step.under == name and known.get(step.id) in was)
    return next(stands, GONE)


def names(
    play: Play, old: Playbook, new: Playbook, known: Mapping[str, str], dropped: Collection[str]
) -> dict[str, str]:
    """What touches call the steps. A name that stood for another step, or for a question that is called off, is not
    used again: a touch is once.
    """
    staying = known.values()
    ids = index.steps(old).by_id.keys() | play.steps.keys() | play.renamed.keys()
    used = {play.name_of(name) for name in ids}
    found = {name: play.name_of(name) for name in ids if name not in staying}
    found |= {name: _next(found[name], used) for name in dropped if name in found}
    for step in new.steps:
        was = known.get(step.id)
        name = found.get(step.id, step.id) if was is None else play.name_of(was)
        fresh = (
            was in dropped or _moved_round(play, old, new, known, step.id)
            if was
            else step.id not in found and name in used
        )
        found[step.id] = _next(name, used) if fresh else name
    return {step: name for step, name in found.items() if name != step}


def _moved_round(play: Play, old: Playbook, new: Playbook, known: Mapping[str, str], step: str) -> bool:
    """Whether a step that may fire comes into a repeat, or out of one: rounds count its touches."""
    was = known[step]
    progress = play.steps.get(was)
    before, after = index.steps(old).rounds.get(was), index.steps(new).rounds.get(step)
    return (progress is None or progress.status not in SETTLED) and before != (known.get(after) if after else None)


def _next(name: str, used: set[str]) -> str:
    """A name after all those like it: `kickoff`, `kickoff.2`, `kickoff.3`."""
    base = name.partition(".")[0]
    numbers = [int(item.partition(".")[2] or 1) for item in {*used, name} if item.partition(".")[0] == base]
    found = f"{base}.{max(numbers) + 1}"
    used.add(found)
    return found


def stands(step: Step) -> tuple[str, str, tuple[str, ...], str]:
    """What a step stands on."""
    return step.under, step.branch, step.needs, step.when.after


def waits_for(play: Play, step: Step) -> str:
    """Why nobody can tell when a step comes, for people."""
    parent = play.steps.get(step.under)
    if step.under and (parent is None or schedule.branch_open(parent) != step.branch):
        return f"it stands in a branch of {step.under}, which is not open"
    before = dict.fromkeys(name for name in (*step.needs, step.when.after) if name)
    left = [name for name in before if name not in play.steps or play.steps[name].status not in SETTLED]
    return f"it comes after {', '.join(left)}"
