"""How plays in flight go on with another release of their playbook, when whoever applies it says so.

Steps are matched by id, or by what the new release says they `was`. What is settled stays settled: a step that fired
never fires again, and touches keep their identity, so that the CANCEL of a renamed meeting finds its REQUEST. What is
gone is called off, with reason; what is past due by the new release is skipped, or fires now. Everything else is
computed: dues were never stored, so new timing takes effect by itself.

`move` is what the event does and `preview` what a plan shows: the same code on another scratch sheet.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from lifecycle import asking, calendar, firing, index, meetings, plays, questions, retries, schedule
from lifecycle.actions import Choose, Invite, Repeat, Wait
from lifecycle.agenda import Agenda, Due
from lifecycle.matching import alike, fits, matches, names, stands, waits_for, way
from lifecycle.model import SETTLED, Play, Progress, State
from lifecycle.playbook import Playbook, Step
from lifecycle.releases import Releases
from lifecycle.turn import Turn

Late = Literal["skip", "fire"]
What = Literal[
    "moves", "stays", "renamed", "removed", "added", "retimed", "waits", "skipped", "fires", "again", "repeats"
]
FLOW = Wait | Choose | Repeat
"""What opens other steps: the engine judges it, however late."""
NO_LONGER = "the new release does not have it"


@dataclass(frozen=True, slots=True)
class Change:
    """What a move does to one step of a play (`step` empty: to the play). `play`: its key.

    `before`, `after`: when the step would be looked at next, as it was and as it becomes. `waits`: nobody can tell when
    any more, as it waits for a branch or another step. `again`: a question that was open is put again by the new rules.
    `repeats`: the step looks the same as one that is gone or has become another, so the customer may get it twice; a
    plan refuses that.
    """

    play: str
    step: str
    what: What
    reason: str = ""
    before: datetime | None = None
    after: datetime | None = None


def preview(
    releases: Releases, state: State, catalogue: str, playbooks: Collection[str], late: Late, *, now: datetime
) -> tuple[Change, ...]:
    """What `CatalogueApplied(catalogue, playbooks, late)` at `now` would do to the plays of a customer.

    `state`: in which nothing is owed at or before `now`, as after any step.
    """
    turn = Turn(releases, state)
    turn.at = turn.clock = now
    turn.adopt(catalogue)
    return move(turn, playbooks, late)


def move(turn: Turn, playbooks: Collection[str], late: Late) -> tuple[Change, ...]:
    """Let the running plays of these playbooks go on with the current releases; what that did, in order."""
    keys = [play.key for play in turn.running() if play.playbook in playbooks]
    return tuple(change for key in keys for change in _Move(turn, key, late).carry_out())


class _Move:
    """One play on its way to the current release of its playbook. `known`: id of a step of the new release to its id in
    the play so far. `dropped`: steps, by the latter, whose open question or attempt is called off; `shut`: those of
    them for which the new release waits first.
    """

    def __init__(self, turn: Turn, key: str, late: Late) -> None:
        self.turn, self.key, self.late = turn, key, late
        self.changes: list[Change] = []
        self.known: dict[str, str] = {}
        self.dropped: set[str] = set()
        self.shut: set[str] = set()

    @property
    def play(self) -> Play:
        return next(play for play in self.turn.plays if play.key == self.key)

    @property
    def agenda(self) -> Agenda:
        schedule.agendas(self.turn)
        return self.turn.agenda[self.key]

    def _note(
        self, step: str, what: What, reason: str = "", before: datetime | None = None, after: datetime | None = None
    ) -> None:
        self.changes.append(Change(self.key, step, what, reason, before, after))

    def carry_out(self) -> list[Change]:
        turn, play = self.turn, self.play
        digest = turn.current().get(play.playbook)
        if digest is None:
            turn.decide(play, "", "play", "skipped", "not moved: its playbook is no longer applied")
            self._note("", "stays", "its playbook is no longer applied")
        elif digest != play.release:
            self._go(turn.book(play), turn.releases.playbook(digest), digest)
        return self.changes

    def _go(self, old: Playbook, new: Playbook, digest: str) -> None:
        turn, play = self.turn, self.play
        self._note("", "moves")
        self.known = matches(play, old, new)
        dues, owed, open_ = self._dues(), self._owed(play, old), frozenset(self.agenda.open)
        self._doubles(play, old, new)
        self._shut(play, old, new, digest)
        self._call_off(play, old, new)
        gone = [step.id for step in old.steps if step.id not in self.known.values()]
        retries.drop(turn, play, NO_LONGER, gone)
        steps = self._kept(play, old, new)
        turn.put(replace(play, release=digest, steps=steps, renamed=names(play, old, new, self.known, self.dropped)))
        turn.stir()
        turn.decide(self.play, "", "play", "fired", "moved to the release that was applied")
        self._retime(new, owed)
        plays.check_waits(turn)
        told = self._settle_past() | {name for name, was in self.known.items() if was not in open_}
        self._compare(old, new, dues, told)
        self._changed_places(play, old, new)

    # --- the release that is left -------------------------------------------------------------------------------------

    def _dues(self) -> dict[str, datetime]:
        return {due.step: due.at for due in self.agenda.dues()}

    def _owed(self, play: Play, book: Playbook) -> dict[str, datetime | None]:
        """The nominal due of every step that is asked about, approved or held."""
        closed, steps = self.agenda.closed, index.steps(book).by_id
        return {
            name: schedule.due(self.turn, play, book, closed, steps[name])
            for name, progress in play.steps.items()
            if name in steps and progress.status in ("asked", "approved", "held")
        }

    def _doubles(self, play: Play, old: Playbook, new: Playbook) -> None:
        """Note what looks like a step that was renamed without saying so."""
        fired = {name for name, progress in play.steps.items() if progress.status in ("fired", "met", "timed_out")}
        gone = [
            step
            for step in old.steps
            if step.id not in self.known.values() and (step.id in fired or step.id in self.agenda.open)
        ]
        for step in new.steps:
            twin = next((item for item in gone if alike(item, step)), None)
            if step.id not in self.known and twin is not None:
                had = "had already" if twin.id in fired else "waits for"
                why = f"it looks the same as {twin.id}, which the customer {had}; say `was: {twin.id}`"
                self._note(step.id, "repeats", why)

    def _shut(self, play: Play, old: Playbook, new: Playbook, digest: str) -> None:
        """Find what is asked about, approved or held and would not be due yet where the new release has it: in a branch
        that is not open, or after another step. The play is looked at as if it had the release, and put back.
        """
        self.turn.put(replace(play, release=digest, steps=self._kept(play, old, new)))
        owed = self._owed(self.play, new)
        self.shut = {self.known[name] for name, due in owed.items() if due is None and name in self.known}
        self.turn.put(play)

    def _call_off(self, play: Play, old: Playbook, new: Playbook) -> None:
        """Call off what the new release no longer has, and what it has so differently that it begins anew."""
        goes_on = {was: index.steps(new).by_id[name] for name, was in self.known.items()}
        for step in old.steps:
            progress, next_step = play.steps.get(step.id), goes_on.get(step.id)
            if progress is not None and progress.status not in SETTLED:
                if next_step is None or step.id in self.shut or not fits(progress, step, next_step):
                    self._withdraw(play, step, progress, next_step)
            elif next_step is None:
                self._remove(play, step, progress)

    def _withdraw(self, play: Play, step: Step, progress: Progress, next_step: Step | None) -> None:
        self.dropped.add(step.id)
        why = NO_LONGER if next_step is None else "the new release has it otherwise"
        if progress.status == "asked":
            questions.settle(self.turn, play, step, "withdrawn")
        self.turn.decide(play, step.id, step.action.kind, "cancelled", why)
        if next_step is None:
            self._note(step.id, "removed", "called off", self._dues().get(step.id))
        elif step.id not in self.shut:
            self._note(next_step.id, "again", why)

    def _remove(self, play: Play, step: Step, progress: Progress | None) -> None:
        if progress is None and step.id in self.agenda.open:
            self.turn.decide(play, step.id, step.action.kind, "cancelled", NO_LONGER)
            self._note(step.id, "removed", "", self._dues().get(step.id))
        elif progress is not None and progress.status == "fired" and isinstance(step.action, Invite):
            meetings.cancel(self.turn, play, step, step.action, progress, NO_LONGER)
            self._note(step.id, "removed", "its meeting, if it is still to come, is cancelled")

    def _kept(self, play: Play, old: Playbook, new: Playbook) -> dict[str, Progress]:
        """Where every step stands, by its new id. What is settled is kept even of steps that are gone: they may come
        back, and must not fire again.
        """
        staying = {was: name for name, was in self.known.items()}
        found = {}
        for name, progress in play.steps.items():
            if name in self.dropped:
                continue
            if progress.status == "met" and progress.outcome and name in staying:
                progress = replace(progress, outcome=way(old, new, self.known, name, progress.outcome))  # noqa: PLW2901 - the same progress, by the numbers of the new release
            if name not in staying:
                progress = replace(progress, left=())  # noqa: PLW2901 - what became of it is nobody's business any more
            found[staying.get(name, name)] = progress
        return found

    # --- the release that comes ---------------------------------------------------------------------------------------

    def _retime(self, book: Playbook, owed: dict[str, datetime | None]) -> None:
        """Let new timing take effect for steps that are asked about, approved or held."""
        for name, was in self.known.items():
            progress = self.play.steps.get(name)
            if was not in owed or progress is None:
                continue
            due = schedule.due(self.turn, self.play, book, self.agenda.closed, index.steps(book).by_id[name])
            if due is not None and due != owed[was]:
                at = progress.at if progress.status == "asked" else due
                self.turn.progress(self.key, name, replace(progress, at=at, due=due))

    def _settle_past(self) -> set[str]:
        """Skip what is past due, or let it fire now; which steps that were."""
        done: set[str] = set()
        while (due := self._past(done)) is not None:
            done.add(due.step)
            self._late(due)
        return done

    def _past(self, done: set[str]) -> Due | None:
        found = (due for due in self.agenda.dues() if due.at <= self.turn.at and due.step not in done)
        return min(found, key=lambda due: (due.at, due.owed, due.touch), default=None)

    def _late(self, due: Due) -> None:
        turn, play = self.turn, self.play
        step, progress = turn.index(play)[due.step], play.steps.get(due.step)
        if self._in_time(play, step, progress, due):
            return
        day = calendar.local(due.at, play.zone).date().isoformat()
        if self.late == "skip":
            turn.progress(self.key, step.id, Progress("skipped", due.at))
            turn.decide(play, step.id, step.action.kind, "skipped", f"was due on {day}, before the play was moved")
            self._note(step.id, "skipped", f"was due on {day}")
            return
        self._note(step.id, "fires", f"was due on {day}")
        if isinstance(step.action, FLOW):
            return
        if progress is None and firing.unwanted(turn, play, step):
            return
        if progress is None and step.approval is not None:
            asking.ask(turn, play, step, step.approval, turn.at)
        else:
            ready = progress or Progress("held", turn.at)
            turn.progress(self.key, step.id, replace(ready, at=turn.at, due=turn.at))

    def _in_time(self, play: Play, step: Step, progress: Progress | None, due: Due) -> bool:
        """Whether a step is looked at now without being late: patience with a question that ends, a round that is over,
        a question that is put late, a wait that opens late and still has time.
        """
        turn, book = self.turn, self.turn.book(play)
        if progress is not None:
            return progress.status == "asked" or isinstance(step.action, Repeat)
        if isinstance(step.action, Wait):
            return schedule.deadline(turn, play, book, step, step.action, due.at) > turn.at
        owed = schedule.due(turn, play, book, self.agenda.closed, step)
        return owed is not None and owed > turn.at

    def _compare(self, old: Playbook, book: Playbook, dues: dict[str, datetime], told: set[str]) -> None:
        """Note what becomes of steps. `told`: those of which it is said, or in which nothing was to do any more."""
        after = self._dues()
        for step in book.steps:
            was = self.known.get(step.id)
            if was is None:
                self._note(step.id, "added", "", None, after.get(step.id))
                continue
            if was != step.id:
                self._note(step.id, "renamed", f"was {was}")
            before, then = dues.get(was), after.get(step.id)
            if step.id in told:
                continue
            if then is None:
                self._unsure(old, step, was, before)
            elif before != then:
                self._note(step.id, "retimed", "", before, then)

    def _unsure(self, old: Playbook, step: Step, was: str, before: datetime | None) -> None:
        """Note of a step that nothing brings up by itself that it no longer comes, or what it waits for."""
        if step.id in self.play.steps:
            return
        if step.id in self.agenda.closed:
            self._note(step.id, "removed", "what it waits for can no longer come", before)
        elif before is not None or was in self.shut or stands(index.steps(old).by_id[was]) != stands(step):
            self._note(step.id, "waits", waits_for(self.play, step), before)

    def _changed_places(self, play: Play, old: Playbook, new: Playbook) -> None:
        """Note what is still to come and looks the same as what the customer had by another id, which has become
        another step: two that exchanged their ids, or one that took the id of its neighbour.
        """
        now = {was: index.steps(new).by_id[name] for name, was in self.known.items()}
        steps = index.steps(old).by_id
        had = [item for item in old.steps if item.id in play.steps and play.steps[item.id].status == "fired"]
        moved = [item for item in had if item.id not in now or not alike(item, now[item.id])]
        for step in new.steps:
            was = steps.get(self.known.get(step.id, ""))
            twin = next((item for item in moved if alike(item, step)), None)
            if step.id in self.agenda.open and was is not None and twin is not None and not alike(was, step):
                why = f"it looks the same as {twin.id}, which the customer had already; let both keep their ids"
                self._note(step.id, "repeats", why)
