"""What a play does: how it starts, considers its steps in order, waits, and ends.

Order at one instant: exits before anything fires; then steps by priority of their playbook, then due, then identity,
which is what decides a collision.
Every step that is considered leaves a decision.
"""

from datetime import datetime

from lifecycle import asking, calendar, entering, firing, flow, leaving, schedule
from lifecycle.actions import Choose, Repeat, Wait
from lifecycle.altered import altered
from lifecycle.model import ON_HOLD, SETTLED, Play, Progress
from lifecycle.playbook import Playbook, Step
from lifecycle.turn import Turn

ENTRY = "entry"
"""What `Wait.since` calls the start of the play, which is no step."""


def check_exits(turn: Turn) -> bool:
    """End the plays whose exit or goal is met; True if any did."""
    turn.basis()
    if turn.idle("exits", turn.plays, turn.stage):
        return False
    before = turn.plays
    turn.listen()
    for play in before:
        book = turn.book(play)
        if entering.left(turn, book):
            leaving.end(turn, play, f"the customer left: stage is {turn.stage}")
        elif play.over:
            continue
        elif book.exit is not None and turn.met(book.exit, play.about):
            leaving.end(turn, play, f"exit: {turn.because(book.exit, play.about)}")
        elif book.goal is not None and turn.met(book.goal, play.about):
            leaving.end(turn, play, f"goal reached: {turn.because(book.goal, play.about)}")
    turn.heard("exits")
    if len(turn.plays) != len(before):
        return True
    turn.rest("exits", turn.plays, turn.stage)
    return False


def check_waits(turn: Turn) -> bool:
    """Settle every open wait that is met by now; True if any was."""
    turn.basis()
    if turn.idle("waits", turn.seen, turn.plays):
        return False
    turn.listen()
    changed = _settle_waits(turn)
    turn.heard("waits")
    if not changed:
        turn.rest("waits", turn.seen, turn.plays)
    return changed


def _settle_waits(turn: Turn) -> bool:
    changed = False
    for play, agenda in tuple(schedule.agendas(turn)):
        if not agenda.waiting:
            continue
        place = turn.steps(play).place
        for name in sorted(agenda.waiting, key=place.__getitem__):
            step = turn.index(play)[name]
            still = (turn.play(play.key) or play).steps[name].status == "waiting"  # not withdrawn with its round
            action = step.action
            reason = _met(turn, play, step, action) if still and isinstance(action, Wait | Repeat) else ""
            if reason and turn.placing:
                _leave_past(turn, play, step, turn.at, reason)
            elif reason and isinstance(step.action, Repeat):
                flow.stop(turn, play, step, reason)
            elif reason:
                turn.progress(play.key, step.id, Progress("met", turn.at))
                turn.decide(play, step.id, "wait", "fired", reason)
            changed = changed or bool(reason)
    return changed


def reopen_waits(turn: Turn) -> None:
    """A milestone was taken back: a wait that it had met waits again, if its deadline is to come and nothing has
    followed from it.
    """
    for play in turn.running():
        book, steps = turn.book(play), turn.index(play)
        for step in book.steps:
            progress = play.steps.get(step.id)
            if progress is None or progress.status != "met" or not isinstance(step.action, Wait):
                continue
            followed = any(name in play.steps for name, other in steps.items() if other.under == step.id)
            over = schedule.deadline(turn, play, book, step, step.action, progress.at) <= turn.at
            if not followed and not over and not turn.met(step.action.until, play.about):
                turn.progress(play.key, step.id, altered(progress, status="waiting"))
                turn.decide(play, step.id, "wait", "waiting", "taken back: waits again")


def _met(turn: Turn, play: Play, step: Step, wait: Wait | Repeat) -> str:
    if wait.until is not None:
        return f"met: {turn.because(wait.until, play.about)}" if turn.met(wait.until, play.about) else ""
    seen = (play.seen if play.subject else turn.seen).get(wait.event)
    if seen is None or not _counts(turn, play, step, wait, seen):
        return ""
    return f"met: {wait.event} on {calendar.local(seen, play.zone).date().isoformat()}"


def _counts(turn: Turn, play: Play, step: Step, wait: Wait, seen: datetime) -> bool:
    """Whether an event came late enough for a wait. After a step means after its instant: what came right then came
    before it.
    """
    play = turn.play(play.key) or play
    if wait.since == ENTRY:
        return seen >= play.started_at
    if wait.since:
        before = play.steps.get(wait.since)
        return before is not None and before.status in SETTLED and seen > before.at
    repeat = play.steps.get(turn.steps(play).rounds.get(step.id, ""))
    if repeat is not None:
        return seen >= repeat.at
    first = min(play.anchor, calendar.local(play.started_at, play.zone).date())
    return seen >= calendar.midnight(first, play.zone)


def run_due(turn: Turn) -> bool:
    """Take the first step that is due at the turn's instant, by priority, due and identity; True if there was one."""
    best: tuple[int, datetime, str] | None = None
    at = turn.at
    for play, agenda in schedule.agendas(turn):
        due = agenda.first(at) if agenda.next_at is not None and agenda.next_at <= at else None
        if due is not None:
            rank = (-turn.book(play).priority, due.owed, due.touch)
            if best is None or rank < best:
                best, taken = rank, (play, due)
    if best is None:
        return False
    play, due = taken
    step = turn.index(play)[due.step]
    if turn.placing:
        _pass_over(turn, play, turn.book(play), step, due.at)
    else:
        _take(turn, play, step, due.owed)
    return True


def _pass_over(turn: Turn, play: Play, book: Playbook, step: Step, owed: datetime) -> None:
    """Settle a step whose instant came before the customer was placed, at that instant, from which later steps count. A
    wait goes on if its deadline is still to come.
    """
    if isinstance(step.action, Wait) and step.id not in play.steps:
        until = schedule.deadline(turn, play, book, step, step.action, owed)
        if until > turn.at:
            _open_wait(turn, play, book, step, step.action, owed)
            return
        owed = max(owed, until)
    if flow.pass_over(turn, play, step, owed):
        return
    day = calendar.local(owed, play.zone).date().isoformat()
    asked = f"its approval was due on {day}" if step.approval else f"due on {day}"
    _leave_past(turn, play, step, owed, asked)


def _leave_past(turn: Turn, play: Play, step: Step, at: datetime, why: str) -> None:
    turn.progress(play.key, step.id, Progress("skipped", at))
    reason = f"belongs to the past: the customer was placed here later ({why})"
    turn.decide(play, step.id, step.action.kind, "skipped", reason)


def _take(turn: Turn, play: Play, step: Step, owed: datetime) -> None:
    progress = play.steps.get(step.id)
    match None if progress is None else progress.status:
        case "asked" if progress is not None and step.approval is not None:
            asking.nudge(turn, play, step, step.approval, progress)
        case "waiting" if isinstance(step.action, Wait):
            _time_out(turn, play, step, step.action)
        case "waiting" if progress is not None and isinstance(step.action, Repeat):
            flow.go_on(turn, play, step, step.action, progress)
        case "approved" | "held" if progress is not None:
            firing.attempt(turn, play, step, progress)
        case _:
            _open(turn, play, step, owed)


def _open(turn: Turn, play: Play, step: Step, owed: datetime) -> None:
    if firing.unwanted(turn, play, step):
        return
    if isinstance(step.action, Wait):
        _open_wait(turn, play, turn.book(play), step, step.action, turn.at)
    elif isinstance(step.action, Choose):
        flow.choose(turn, play, step, step.action, turn.at)
    elif isinstance(step.action, Repeat):
        flow.begin(turn, play, step, step.action, Progress("waiting", turn.at, due=turn.at, count=1))
    elif step.approval is not None:
        at = schedule.due(turn, play, turn.book(play), turn.agenda[play.key].closed, step) or turn.at
        asking.ask(turn, play, step, step.approval, at)
    else:
        firing.attempt(turn, play, step, Progress("held", turn.at, due=owed))


def _open_wait(turn: Turn, play: Play, book: Playbook, step: Step, wait: Wait, opened: datetime) -> None:
    turn.progress(play.key, step.id, Progress("waiting", opened))
    until = schedule.deadline(turn, play, book, step, wait, opened)
    text = wait.until.text if wait.until else wait.event
    shown = calendar.shown(until, play.zone)
    turn.decide(play, step.id, "wait", "waiting", f"for {text} until {shown}")


def _time_out(turn: Turn, play: Play, step: Step, wait: Wait) -> None:
    turn.progress(play.key, step.id, Progress("timed_out", turn.at))
    why = turn.because(wait.until, play.about) if wait.until else f"no {wait.event}"
    turn.decide(play, step.id, "wait", "skipped", f"not met in time: {why}")


def finish(turn: Turn) -> bool:
    """End the plays in which nothing is left to do, and let go of them once every outcome is in; True if anything
    changed.
    """
    agendas = schedule.agendas(turn)
    if len(agendas) == len(turn.plays) and all(agenda.open for _, agenda in agendas):
        return False
    changed, running = False, {play.key: agenda for play, agenda in agendas}
    for play in turn.plays:
        if not play.over and not running[play.key].open:
            turn.put(altered(play, over=True))
            leaving.note_end(turn, play)
            turn.decide(play, "", "play", "fired", "ended: every step is settled")
            changed = True
        elif play.over and not _awaited(turn, play):
            turn.plays = tuple(other for other in turn.plays if other.key != play.key)
            changed = True
    return changed


def _awaited(turn: Turn, play: Play) -> bool:
    """Whether the outcome of a send is still out, or a provider asked for patience."""
    front = f"{turn.customer}/{play.key}/"
    waiting = any(item.command["touch"].startswith(front) for item in turn.retries)
    return waiting or any(progress.left for progress in play.steps.values())


def retry_held(turn: Turn) -> None:
    """Look at every held step again now, but for those on hold: what held it may be gone."""
    for play in turn.plays:
        for name, progress in tuple(play.steps.items()):
            if progress.status == "held" and progress.outcome != ON_HOLD:
                turn.progress(play.key, name, altered(progress, at=turn.at))
