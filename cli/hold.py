"""`stageplay hold` and `stageplay resume`: a customer, a part of them, a playbook, or everything, stands still.

Events go on being recorded. What fell due meanwhile is listed before a hold is lifted, and is sent, skipped, or moved
with the remaining days of its play, as whoever lifts it says.
"""

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import typer
from rich.console import Console

from authoring.actions import so_many
from authoring.diagnostics import near
from cli import known
from cli.answering import LOOK_EVERY, Desk, desk
from cli.by_hand import By
from cli.failures import MisuseError
from cli.held import instead
from cli.plan import live_scope
from cli.processes import ProcessError
from gateway.answers import ON_ITS_WAY
from gateway.entitled import is_manager
from gateway.intake import Lifecycles
from gateway.release import CHOICES, HEARD_WITHIN, Choice, kept_back, prepare, release_here, unheard
from lifecycle import calendar, holding
from lifecycle.holding import Stale
from lifecycle.messages import HoldLifted, HoldPlaced, Reply
from lifecycle.model import State
from store import customers, releases, rollouts, standing
from store.customers import EVERYTHING, Customer
from store.database import Database, now

Playbook = Annotated[str, typer.Option(help="Only what this playbook does; alone: for every customer.")]
Whose = Annotated[str, typer.Option("--customer", help="One customer, by the sender's id or ours.")]
Segment = Annotated[str, typer.Option(help="Customers for whom this holds: customer.tier == 'pro'.")]
Everything = Annotated[bool, typer.Option("--everything", help="Every send to every customer.")]
Form = Annotated[Literal["text", "json"], typer.Option("--format", help="json for programs.")]


@dataclass(frozen=True)
class Scope:
    """What stands still."""

    customer: str
    segment: str
    playbook: str
    everything: bool

    def check(self) -> None:
        """Refuse what does not fit together.

        Raises:
            MisuseError: says what to write.
        """
        named = [bool(self.customer), bool(self.segment), self.everything]
        if sum(named) > 1 or (self.everything and self.playbook):
            raise MisuseError("--customer, --segment and --everything exclude each other, --everything a playbook too")
        if not any(named) and not self.playbook:
            raise MisuseError("say what: --customer ID, --segment EXPRESSION, --playbook NAME, or --everything")

    def those(self, mine: Desk) -> list[Customer]:
        """The customers that are meant.

        Raises:
            NoSuchError: nobody has that id.
            MisuseError: the expression is wrong, or there is no such playbook.
        """
        if self.playbook:
            _known(mine.db, self.playbook)
        if self.customer:
            return [mine.customer(self.customer)]
        scope = self.part(mine)
        with mine.db.read() as c:
            return [item for item in known.live(c) if rollouts.inside(c, item, scope)]

    def part(self, mine: Desk) -> rollouts.Scope:
        """The part of the customers; MisuseError where the expression is wrong."""
        return live_scope(mine.db, self.segment, "")

    def later(self, mine: Desk, reason: str | None) -> bool:
        """Hold those who sign up later, too, or (without a reason) no longer; whether that changed anything. Only a
        manager may: nobody has those customers yet.
        """
        if self.customer:
            return False
        scope = self.part(mine)
        with mine.db.begin() as c:
            entitled = is_manager(Lifecycles().current(c)[1], mine.by)
            if entitled and reason is not None:
                standing.place(c, scope, self.playbook, mine.by.id, reason)
                return True
            lifted = entitled and standing.lift(c, scope, self.playbook) > 0
            left = [item.text for item in standing.listed(c) if item.playbook == self.playbook]
        if entitled:
            print("".join(f"Still on hold: {text}\n" for text in left), file=sys.stderr, end="")
            return lifted
        there = bool(left)
        if reason is not None or there:
            print("Those who sign up later are left as they are: only a manager decides on them.", file=sys.stderr)
        return False


def _known(db: Database, playbook: str) -> None:
    with db.read() as c:
        manifest = releases.load(c, str(releases.current(c)))
    names = getattr(manifest, "playbooks", ())
    if playbook not in names:
        raise MisuseError(f'no playbook is called "{playbook}"; {near(playbook, names)}')


# --- the commands -----------------------------------------------------------------------------------------------------


def hold(
    *,
    by: By,
    reason: Annotated[str, typer.Option(help="Why; people read it wherever something is held.")],
    customer: Whose = "",
    segment: Segment = "",
    playbook: Playbook = "",
    everything: Everything = False,
    form: Form = "text",
) -> None:
    """Hold sends: to a customer, to a part of the customers, of a playbook, or all. Events go on being recorded."""
    scope = Scope(customer, segment, playbook, everything)
    scope.check()
    if not reason.strip():
        raise MisuseError('say why, in words that people read wherever something is held: --reason "an outage"')
    with desk(by) as mine:
        if everything:
            with mine.db.begin() as c:
                customers.place_hold(c, EVERYTHING, mine.by.id, reason)
            raise typer.Exit(_print([], [], form, "Everything is on hold: no send starts."))
        scope.those(mine)  # or what is wrong with it is said before anybody is held
        later = scope.later(mine, reason)
        those = scope.those(mine)
        replies = mine.give_all([(whose, HoldPlaced(mine.by.id, reason, playbook)) for whose in those])
    said = f"{so_many(len(those), 'customer')}{', and those who sign up later' if later else ''}."
    raise typer.Exit(_print([Held(whose, ()) for whose in those], replies, form, said))


def resume(
    *,
    by: By,
    stale: Annotated[Choice | None, typer.Option(help="What becomes of what fell due meanwhile.")] = None,
    customer: Whose = "",
    segment: Segment = "",
    playbook: Playbook = "",
    everything: Everything = False,
    form: Form = "text",
) -> None:
    """Lift a hold: what fell due meanwhile is listed, then sent, skipped, or moved with the rest of its play."""
    scope = Scope(customer, segment, playbook, everything)
    scope.check()
    with desk(by) as mine:
        if everything:
            raise typer.Exit(_everything(mine, scope, stale, form))
        states = asyncio.run(_states(mine.db, scope.those(mine)))
        held = [_stale(mine.db, whose, state, playbook) for whose, state in states if playbook in state.holds]
        if form == "text":
            _list(held)
        chosen = stale or _choose(held)
        later = scope.later(mine, None)
        replies = mine.give_all([(one.customer, HoldLifted(mine.by.id, playbook, chosen)) for one in held])
        if not held and not later:
            raise typer.Exit(_none(mine, scope, form, "There is no such hold."))
    said = f"{so_many(len(held), 'hold')} lifted."
    raise typer.Exit(_print(held, replies, form, f"{said} Those who sign up later are not held." if later else said))


def _none(mine: Desk, scope: Scope, form: str, said: str) -> int:
    """Say that there is nothing to lift, and what there is instead; 1: somebody takes something for held, and errs."""
    _print([], [], form, said)
    customer = mine.customer(scope.customer).id if scope.customer else ""
    if there := instead(mine.db, customer, scope.playbook, mine.by.id):
        print("Did you mean:", *(f"  {line}" for line in there), sep="\n", file=sys.stderr)
    return 1


def _everything(mine: Desk, scope: Scope, stale: Choice | None, form: str) -> int:
    with mine.db.read() as c:
        if not is_manager(Lifecycles().current(c)[1], mine.by):
            print("Only a manager can release what holds everything.", file=sys.stderr)
            return 1
        found = customers.hold(c, EVERYTHING)
        kept = set() if found is None else kept_back(c, found.placed_at)
        those = [whose for whose in known.live(c) if whose.id in kept]
    if found is None:
        return _none(mine, scope, form, "There is no hold on everything.")
    states = asyncio.run(_states(mine.db, those))
    held = [one for one in (Held(whose, holding.unsent(state)) for whose, state in states) if one.stale]
    if form == "text":
        _list(held)
    chosen = stale or _choose(held)
    heard = 0 if chosen == "send" else _tell_first(mine, found.placed_at, chosen)
    told = release_here(mine.db, found.placed_at.isoformat(), mine.by.id)
    number = heard or told or 0
    said = f"Everything is released; {so_many(number, 'customer')} {'is' if number == 1 else 'are'} told."
    if form == "json":
        print(json.dumps({"text": said, "customers": [_kept(one) for one in held]}, indent=2, ensure_ascii=False))
        return 0
    return _print([], [], form, said)


def _tell_first(mine: Desk, since: datetime, stale: Literal["skip", "retime"]) -> int:
    """Have every customer do what is chosen while nothing can be sent; how many they are.

    Raises:
        ProcessError: some have not heard of it in time; everything stays on hold.
    """
    told = prepare(mine.db, since, mine.by.id, stale)
    until = now() + HEARD_WITHIN
    while left := unheard(mine.db, since, stale):
        if now() >= until:
            raise ProcessError(
                f"{left} of {len(told)} customers have not heard of it yet, so everything stays on hold; is a gateway "
                "running? The same command goes on."
            )
        time.sleep(LOOK_EVERY)
    return len(told)


# --- what is held -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Held:
    """A customer on hold, and what fell due meanwhile."""

    customer: Customer
    stale: tuple[Stale, ...]


async def _states(db: Database, those: Sequence[Customer]) -> list[tuple[Customer, State]]:
    """The customers of whom a state is known, with it as of now."""
    answered = await known.asked([whose.id for whose in those])
    found = []
    for whose in those:
        with db.read() as c:
            state = answered.get(whose.id) or known.stored(c, whose.id)
        if state is not None:
            _, as_now = known.brought_up(db, whose, state, whose.clock.virtual(now()))
            found.append((whose, as_now))
    return found


def _stale(db: Database, customer: Customer, state: State, playbook: str) -> Held:
    library = known.library(db, [state], state.catalogue)
    return Held(customer, holding.stale(library, state, playbook))


def _choose(held: Sequence[Held]) -> Choice:
    """What becomes of what fell due: asked of whoever sits at the terminal; without any it does not matter.

    Raises:
        MisuseError: nobody can be asked.
    """
    if not any(one.stale for one in held):
        return "send"
    if not sys.stdin.isatty():
        raise MisuseError("something fell due meanwhile; say what becomes of it: --stale send, skip or retime")
    answer = ""
    while answer not in CHOICES:
        answer = typer.prompt("Send, skip or retime what fell due meanwhile?", err=True).strip().lower()
    return CHOICES[answer]


# --- for people and programs ------------------------------------------------------------------------------------------


def _list(held: Sequence[Held]) -> None:
    out = Console(highlight=False, soft_wrap=True)
    for one in held:
        zone = one.customer.profile.zone
        for item in one.stale:
            at = f"{calendar.local(item.due, zone):%a %d %b %Y %H:%M}"
            to = f" to {item.to}" if item.to else ""
            out.print(f"{one.customer.name}: {item.play} {item.step} ({item.what}{to}) was due {at}", markup=False)


def _print(held: Sequence[Held], replies: Sequence[Reply], form: str, said: str) -> int:
    """Tell what was done; 1 where something was refused."""
    pairs = list(zip(held, replies, strict=True))
    if form == "json":
        rows = [_json(one, reply) for one, reply in pairs]
        print(json.dumps({"text": said, "customers": rows}, indent=2, ensure_ascii=False))
    else:
        for one, reply in pairs:
            print(f"{one.customer.name}: {reply.text}")
        print(said)
    return int(any(reply.result not in {"done", ON_ITS_WAY.result} for reply in replies))


def _json(one: Held, reply: Reply) -> dict[str, Any]:
    return {**_kept(one), "result": reply.result, "text": reply.text}


def _kept(one: Held) -> dict[str, Any]:
    zone = one.customer.profile.zone
    due = [calendar.local(item.due, zone).isoformat(timespec="seconds") for item in one.stale]
    stale = [
        {"play": item.play, "step": item.step, "kind": item.what, "to": item.to, "due": at}
        for item, at in zip(one.stale, due, strict=True)
    ]
    names = {"customer": one.customer.id, "id": one.customer.outer_id, "name": one.customer.name}
    return {**names, "stale": stale}
