"""Checks over all steps of a playbook: names once, references that exist, no circles, nothing that waits for ever."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from authoring.diagnostics import Report, near
from authoring.expressions import proven
from authoring.namespace import Names
from authoring.steps import Draft
from lifecycle.actions import Choose, Invite, Repeat, Wait
from lifecycle.playbook import Step, Trigger


def check_steps(drafts: Sequence[Draft], report: Report) -> None:
    """Record what is wrong between the steps."""
    by_id: dict[str, Draft] = {}
    for draft in drafts:
        name = draft.step.id
        if name and name in by_id:
            first = str(by_id[name].place)
            what = f'the step "{name}" is there twice'
            report.add("duplicate-name", draft.place, what, f'rename one, such as "{name}-again".', related=first)
        elif name:
            by_id[name] = draft
    _check_renamed(drafts, by_id, report)
    for draft in drafts:
        _check_references(draft, by_id, report)
    _check_circles(by_id, report)


def _check_renamed(drafts: Sequence[Draft], by_id: Mapping[str, Draft], report: Report) -> None:
    """A step that is still there was not renamed, and no two steps were the same one."""
    heirs: dict[str, Draft] = {}
    for draft in drafts:
        word = draft.was
        if word is None:
            continue
        first = by_id.get(word.value) or heirs.get(word.value)
        if first is not None:
            is_it = "is a step of its own" if word.value in by_id else "became another step already"
            what = f'"{word.value[:60]}" {is_it}'
            report.add("duplicate-name", word.place, what, 'remove "was".', related=str(first.place))
        heirs.setdefault(word.value, draft)


def _check_references(draft: Draft, by_id: Mapping[str, Draft], report: Report) -> None:
    own = _round(draft.step, by_id)
    if isinstance(draft.step.action, Repeat) and own:
        what = f'"{draft.step.id}" stands in the rounds of "{own}"'
        report.add("repeat", draft.place, what, "move it out, or make a playbook of it and start that.")
    for word in (*draft.needs, *(item for item in (draft.after, draft.since, draft.invite) if item)):
        if word.value not in by_id:
            others = [name for name in by_id if name != draft.step.id]
            report.add("unknown-step", word.place, f'no step is called "{word.value[:60]}"', near(word.value, others))
        elif word is draft.invite and not isinstance(by_id[word.value].step.action, Invite):
            invites = [name for name, other in by_id.items() if isinstance(other.step.action, Invite)]
            what = f'the step "{word.value[:60]}" invites nobody'
            report.add("unknown-step", word.place, what, near(word.value, invites))
        elif word is not draft.after and (rounds := _round(by_id[word.value].step, by_id)) not in ("", own):
            what = f'"{word.value}" is done again in each round of "{rounds}", this step once'
            report.add("repeat", word.place, what, f'write "{rounds}".')
    after = draft.after
    if after is None or after.value not in by_id:
        return
    outside = [step for step in _branches(by_id[after.value].step, by_id) if step not in _branches(draft.step, by_id)]
    if outside:
        what = f'"{after.value}" comes only when "{outside[-1][0]}" goes one way, this step comes always'
        fix = f'write "step: {outside[-1][0]}", or move this step into the same branch.'
        report.add("never-settles", after.place, what, fix)


def _round(step: Step, by_id: Mapping[str, Draft]) -> str:
    """The innermost repeat in whose rounds a step stands; empty when it is in none."""
    return next((name for name, branch in _branches(step, by_id) if branch == "do"), "")


def _branches(step: Step, by_id: Mapping[str, Draft]) -> list[tuple[str, str]]:
    """The branches that a step stands in, innermost first."""
    found: list[tuple[str, str]] = []
    while step.under and step.under in by_id and len(found) <= len(by_id):
        found.append((step.under, step.branch))
        step = by_id[step.under].step
    return found


def _check_circles(by_id: Mapping[str, Draft], report: Report) -> None:
    """One finding per circle, at the first of its steps in the file."""
    graph = {
        name: {other for other in (*draft.step.needs, draft.step.when.after, draft.step.under) if other in by_id}
        for name, draft in by_id.items()
    }
    while True:
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as error:
            circle = list(dict.fromkeys(reversed(error.args[1])))
        else:
            return
        first = min(circle, key=list(by_id).index)
        turned = [*circle[circle.index(first) :], *circle[: circle.index(first)], first]
        draft = by_id[first]
        word = next((word for word in (*draft.needs, draft.after) if word and word.value in circle), None)
        what = f"these steps wait for one another: {' -> '.join(turned)}"
        report.add("cycle", word.place if word else draft.place, what, 'remove one "needs" or "after" of them.')
        for name in circle:
            graph[name] = set()


def known_facts(
    drafts: Sequence[Draft], triggers: Sequence[Trigger], conditions: frozenset[str], names: Names
) -> dict[str, frozenset[str]]:
    """Per step, the facts that are surely known whenever it fires: the play's start, the branch, its own condition."""
    start = conditions | frozenset.intersection(*(_told(trigger, names) for trigger in triggers))
    found: dict[str, frozenset[str]] = {}
    steps = {draft.step.id: draft.step for draft in drafts}
    for draft in drafts:
        step = draft.step
        known = found.get(step.under, start)
        parent = steps.get(step.under)
        if parent is not None:
            known |= _opened(parent, step.branch, names)
        found[step.id] = known | (proven(step.condition.tree) if step.condition else frozenset())
    return found


def _opened(parent: Step, branch: str, names: Names) -> frozenset[str]:
    """The facts that are surely known when a branch opens."""
    match parent.action:
        case Wait(until=until, event=event) if branch == "then":
            return frozenset(names.events.get(event, ())) | (proven(until.tree) if until else frozenset())
        case Repeat(until=until) if branch == "then":
            return proven(until.tree)
        case Choose(ways=ways) if branch.isdecimal() and int(branch) <= len(ways):
            return proven(ways[int(branch) - 1].tree)
        case _:
            return frozenset()


def _told(trigger: Trigger, names: Names) -> frozenset[str]:
    """The facts that are surely known when a trigger starts a play."""
    known = frozenset(names.events.get(trigger.event, ()))
    for expr in (trigger.where, trigger.condition):
        known |= proven(expr.tree) if expr is not None else frozenset()
    return known | (frozenset((trigger.date,)) if trigger.date else frozenset())
