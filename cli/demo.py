"""`stageplay demo`: three customers through the signed HTTP endpoint, their days at rehearsal speed, told as they pass.

Everything it does, it does from outside: it posts signed events, presses a Slack button with Slack's signature, and
reads the records. Interrupted and started again it goes on: event ids are the same whenever they are sent, so what was
already told is told again without effect. When a round has ended, the next start begins another.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

import httpx
import typer
from rich.console import Console
from rich.table import Table

from cli import records
from cli.live import Line, Standing, View
from cli.story import STORIES, Story
from cli.teller import Teller
from store import customers, pages
from store.customers import Customer
from store.database import Database, now
from store.pages import DecisionRow

LOOK_EVERY = 0.1
PRESS_EVERY = 0.02
ARRIVES_WITHIN = 450
"""Looks after the last decision until what is on its way counts as not sent. Of a worker that was killed while it sent
the server learns within 20 seconds; then another asks what became of that.
"""
STANDINGS_EVERY = 5
"""Looks between two redrawings of the standings."""
NOT_IN_TIME = "was not approved in time"
LONGEST = timedelta(days=45)
"""Simulated time after which plays that have not ended count as missing."""

CLOSING = (
    "The onboarding has ended. It stays up until Ctrl-C; stop it and run `stageplay demo` again for another round.\n"
    "These customers go on ageing at rehearsal speed, whether this runs or not: their tasks turn overdue, and "
    "what fell due while everything was stopped is judged late at the next start."
)


class Running(Protocol):
    """What the demo needs of a running stack."""

    @property
    def database(self) -> Database: ...

    @property
    def gateway(self) -> str: ...

    @property
    def webhook_secret(self) -> str: ...

    @property
    def press_secret(self) -> str: ...


@dataclass
class Part:
    """One customer of this round. `told`: how many happenings were sent."""

    story: Story
    customer: Customer
    told: int = 0
    lines: list[DecisionRow] = field(default_factory=list)
    pressed: set[str] = field(default_factory=set)

    @property
    def time(self) -> datetime:
        """The customer's time, now."""
        return self.customer.clock.virtual(now())

    @property
    def refused(self) -> str:
        """Why no play of the story started; empty while one may."""
        refusals = {line.playbook: line.reason for line in self._plays if line.verdict == "skipped"}
        started = any(line.verdict == "fired" for line in self._plays)
        return "" if started or len(refusals) < len(self.story.about) else ", ".join(refusals.values())

    @property
    def _plays(self) -> list[DecisionRow]:
        """What became of the plays that the story is about."""
        return [line for line in self.lines if line.what == "play" and line.play and line.playbook in self.story.about]

    @property
    def over(self) -> bool:
        """Whether every play of the story that started has ended, and all that the story has was told."""
        started = {(line.playbook, line.play) for line in self._plays if line.verdict == "fired"}
        ended = {(line.playbook, line.play) for line in self._plays if line.reason.startswith("ended")}
        return bool(ended) and started <= ended and self.told == len(self.story.happenings)

    def missing(self, unsent: Sequence[str]) -> list[str]:
        """What should have happened and did not. `unsent`: touches that the ledger does not know as sent."""
        fired = {line.step for line in self.lines if line.verdict == "fired"}
        found = [f"{step} did not happen" for step in self.story.expects if step not in fired]
        approved = {line.step for line in self.lines if _approved(line)}
        found += [f"{step} {NOT_IN_TIME}" for step in self.story.approves if step not in approved]
        found += [f"{line.step} failed: {line.reason}" for line in self.lines if line.verdict == "failed"]
        found += [f"{touch} is not known as sent" for touch in unsent]
        if self.refused:
            return [*found, f"{', '.join(self.story.about)} did not start: {self.refused}"]
        return found if self.over else [*found, "its plays have not ended"]


@dataclass
class Demo:
    """One round. `leave`: return when all plays of the stories have ended, with 0, or 1 when anything is missing.
    `begun`: done once a customer is there. `missing`: what is, once it was summed up.
    """

    day_seconds: float
    leave: bool
    out: Console
    stories: tuple[Story, ...] = STORIES
    longest: timedelta = LONGEST
    begun: Callable[[Database, Customer], None] | None = None
    parts: list[Part] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    seen: int = 0
    began: datetime = field(default_factory=now)

    async def run(self, stack: Running) -> int:
        """Tell the stories and show what comes of them."""
        async with httpx.AsyncClient(base_url=stack.gateway, timeout=10, trust_env=False) as http:
            teller = Teller(http, stack.webhook_secret, stack.press_secret)
            await self._begin(stack.database, teller)
            with View(self.out) as view:
                async with asyncio.TaskGroup() as group:
                    approving = group.create_task(self._approve(stack.database, teller))
                    await self._play(stack.database, teller, view)
                    approving.cancel()
            await self._arrive(stack.database)
            code = await self._sum_up(stack.database)
            if self.leave:
                return code
            self.out.print(CLOSING)
            await asyncio.Event().wait()
        return code

    async def _begin(self, database: Database, teller: Teller) -> None:
        """Sign the customers up, or go on with a round that did not end."""
        number = 1
        while await asyncio.to_thread(_round_is_over, database, self.stories, number):
            number += 1
        for story in (story.of_round(number) for story in self.stories):
            outer_id = _outer_id(story, number)
            body = story.signup_envelope(outer_id, self.day_seconds)
            found = await asyncio.to_thread(_find, database, outer_id)
            if found is None:
                await teller.tell(f"{outer_id}-signup", body, now())
                found = await asyncio.to_thread(_find, database, outer_id)
            if found is None:
                raise LookupError(f"{outer_id} was taken and is not there")
            self.parts.append(Part(story, found))
            if self.begun is not None:
                await asyncio.to_thread(self.begun, database, found)

    async def _play(self, database: Database, teller: Teller, view: View) -> None:
        looks = 0
        while not all(part.over or part.refused for part in self.parts):
            for part in self.parts:
                await self._tell(teller, part)
            await self._show(database, view)
            if view.stands and looks % STANDINGS_EVERY == 0:
                view.stand(await asyncio.to_thread(self._standings, database))
            looks += 1
            if all(part.time - part.customer.clock.virtual_origin > self.longest for part in self.parts):
                return
            await asyncio.sleep(LOOK_EVERY)
        await self._show(database, view)

    async def _arrive(self, database: Database) -> None:
        """Wait for what the last steps send: a play ends when they have fired, a moment before all has arrived."""
        for _ in range(ARRIVES_WITHIN):
            if not await asyncio.to_thread(records.on_the_way, database, [part.customer.id for part in self.parts]):
                return
            await asyncio.sleep(LOOK_EVERY)

    async def _tell(self, teller: Teller, part: Part) -> None:
        """Send the happenings whose time has come."""
        for number, (instant, body) in enumerate(part.story.envelopes(part.customer.outer_id)):
            if number >= part.told and instant <= part.time:
                if not await teller.tell(f"{part.customer.outer_id}-{number}", body, now()):
                    return
                part.told = number + 1

    async def _approve(self, database: Database, teller: Teller) -> None:
        """Let the CSM of a story that says so press Approve as soon as a card is there, once a card."""
        while True:
            for part in (part for part in self.parts if part.story.presses_as):
                for approval in await asyncio.to_thread(records.pressable, database, part.customer.id):
                    if approval in part.pressed:
                        continue
                    if await teller.approve(part.customer.id, approval, part.story.presses_as, now()):
                        part.pressed.add(approval)
            await asyncio.sleep(PRESS_EVERY)

    async def _show(self, database: Database, view: View) -> None:
        """Print what was decided since the last look; what an earlier start has printed is only counted."""
        ours = {part.customer.id: part for part in self.parts}
        for row in await asyncio.to_thread(_since, database, self.seen):
            self.seen = row.id
            part = ours.get(row.customer)
            if part:
                part.lines.append(row)
                if row.stored_at >= self.began:
                    view.show(_line(part, row, await asyncio.to_thread(records.named, database, row)))

    def _standings(self, database: Database) -> list[Standing]:
        found = []
        for part in self.parts:
            with database.read() as c:
                row = customers.get(c, part.customer.id)
            waits = _waits(database, part)
            local = part.time.astimezone(ZoneInfo(part.story.zone))
            sent = sum(line.verdict == "fired" and line.what in records.TOUCHES for line in part.lines)
            found.append(Standing(part.story.name, part.story.plot, local, row.stage, sent, waits))
        return found

    async def _sum_up(self, database: Database) -> int:
        """Print how it went; 0 when nothing is missing."""
        table = Table(title="How it went", title_justify="left", box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for heading in ("customer", "touches", "tasks", "approved", "expired", "held", "skipped", "missing"):
            table.add_column(heading, no_wrap=True)
        for part in self.parts:
            missing = part.missing(await asyncio.to_thread(records.unsent, database, part.customer.id))
            self.missing += [f"{part.story.name}: {line}" for line in missing]
            table.add_row(part.story.name, *_figures(part.lines), str(len(missing) or "nothing"))
        self.out.print(table)
        for line in self.missing:
            self.out.print(line, markup=False)
        if any(line.endswith(NOT_IN_TIME) for line in self.missing):
            self.out.print(self._why_late(), markup=False)
        return int(bool(self.missing))

    def _why_late(self) -> str:
        """Why an approval may have come too late: the round went on while everything was stopped, or days are short."""
        if any(part.customer.created_at < self.began for part in self.parts):
            return "The round was stopped for a while and its clock ran on: that time was missing for answers."
        return (
            f"A day of {self.day_seconds:g} s leaves {self.day_seconds * 8 / 24:.2g} s for an answer within 8 hours;\n"
            f"a busy machine needs longer: try `--day {self.day_seconds * 2:g}s`."
        )


def _waits(database: Database, part: Part) -> list[str]:
    """Open approvals with who was asked, then the first open target and how many more there are."""
    approvals = records.open_approvals(database, part.customer.id)
    asked = [f"{approval.rpartition('/')[2]}: {' or '.join(people)}" for approval, people in approvals]
    last = {(line.playbook, line.play, line.step): line for line in part.lines if line.step}
    targets = [line.step for line in last.values() if (line.what, line.verdict) == ("wait", "waiting")]
    more = f" and {len(targets) - 1} more" if len(targets) > 1 else ""
    return [*asked, *(f"the customer: {step}{more}" for step in targets[:1])]


def _figures(lines: Sequence[DecisionRow]) -> tuple[str, ...]:
    fired = [line for line in lines if line.verdict == "fired"]
    counts = (
        sum(line.what in records.TOUCHES for line in fired),
        sum(line.what == "task" for line in fired),
        sum(map(_approved, lines)),
        sum(map(_expired, lines)),
        sum(line.verdict == "held" for line in lines),
        sum(line.verdict == "skipped" for line in lines),
    )
    return tuple(map(str, counts))


def _approved(line: DecisionRow) -> bool:
    """Whether a person said yes; a playbook may also proceed without."""
    return (line.what, line.verdict) == ("approval", "fired") and not _expired(line)


def _expired(line: DecisionRow) -> bool:
    """Whether an approval ran out; what a late press is answered is another decision, "Too late: ..."."""
    return line.what != "answer" and line.reason.startswith("nobody answered")


def _line(part: Part, row: DecisionRow, to: str) -> Line:
    at = row.at.astimezone(ZoneInfo(part.story.zone))
    return Line(at, part.story.name, row.what, row.step or row.playbook, row.verdict, to, row.reason)


def _since(database: Database, after: int) -> tuple[DecisionRow, ...]:
    with database.read() as c:
        return pages.decisions_since(c, after)


def _outer_id(story: Story, number: int) -> str:
    return f"demo-{number}-{story.id}"


def _find(database: Database, outer_id: str) -> Customer | None:
    with database.read() as c:
        return customers.find(c, outer_id)


def _round_is_over(database: Database, stories: Sequence[Story], number: int) -> bool:
    """Whether all customers of a round are there and every play of its story has ended."""
    for story in stories:
        found = _find(database, _outer_id(story, number))
        if found is None:
            return False
        part = Part(story, found, told=len(story.happenings), lines=records.of_customer(database, found.id))
        if not part.over:
            return False
    return True


def seconds(written: str) -> float:
    """How long a simulated day lasts, as `4s`."""
    try:
        seconds = float(written.removesuffix("s"))
    except ValueError:
        seconds = 0
    if not 0.1 <= seconds <= 86_400:  # noqa: PLR2004 - a tenth of a second to real speed
        raise typer.BadParameter(f'"{written}" is not a length from 0.1s to 86400s; write 4s', param_hint="--day")
    return seconds
