"""How a plan grows with the customers: CPU of one process for each customer of 100, of 1,000 and of 10,000.

The customers are those of the sample portfolio that have a play in flight, over and over, each under an id of its own;
the plan moves every playbook to an edition in which one step has another day, and compares a week.
"""

import json
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from time import process_time

from authoring.answers import usual
from authoring.compile import compile_folder
from authoring.diagnostics import Report
from authoring.lives import Start, World, of_account
from authoring.plan import Plan, plan, propose, standing
from authoring.portfolio import read_portfolio
from authoring.simulate import Library
from lifecycle.playbook import Lifecycle, Manifest, Playbook, Release, digest_of

HERE = Path(__file__).resolve().parent.parent
SIZES = (100, 1_000, 10_000)
GATE = 1.5
WEEK = timedelta(days=7)


def _edited(book: Playbook) -> Playbook:
    """The last step that names a day comes a day later."""
    dated = [step.id for step in book.steps if step.when.day is not None]
    steps = (
        replace(step, when=replace(step.when, day=(step.when.day or 0) + 1)) if dated and step.id == dated[-1] else step
        for step in book.steps
    )
    return replace(book, steps=tuple(steps))


def _world() -> tuple[World, str, list[Start]]:
    compiled = compile_folder(HERE / "playbooks", HERE / "templates")
    life = next(item for item in compiled.releases.values() if isinstance(item, Lifecycle))
    books = [item for item in compiled.releases.values() if isinstance(item, Playbook)]
    edited = [_edited(book) for book in books]
    manifest = Manifest(digest_of(life), {book.name: digest_of(book) for book in edited})
    new: dict[str, Release] = {digest_of(book): book for book in edited}
    new[digest_of(manifest)] = manifest
    accounts = read_portfolio(HERE / "samples/portfolio.yaml", life, Report(), books)
    starts = [start for start in map(of_account, accounts) if start.signup is not None and start.signup.placed]
    since = min(start.at for start in starts)
    world = World(Library({**compiled.releases, **new}), compiled.digest, usual(life), since, since + WEEK)
    return world, digest_of(manifest), [start for start in starts if _flies(world, start)]


def _flies(world: World, start: Start) -> bool:
    """Whether a play of the customer is in flight when the period begins."""
    state = standing(world, start).state
    return state is not None and bool(state.plays)


def _measured(world: World, digest: str, starts: list[Start], size: int) -> tuple[float, Plan]:
    """CPU milliseconds a customer."""
    books = tuple(world.library.catalogue(digest).playbooks)
    crowd = (replace(start, customer=f"c{n}") for n, start in enumerate(islice(cycle(starts), size)))
    began = process_time()
    found = plan(propose(world, digest, books), crowd)
    return (process_time() - began) * 1000 / size, found


def main() -> int:
    """Print the curve; 1 when it bends upwards."""
    world, digest, starts = _world()
    _measured(world, digest, starts, len(starts))
    cost: dict[int, float] = {}
    for size in SIZES:
        cost[size], found = _measured(world, digest, starts, size)
        row = {"customers": size, "ms_each": round(cost[size], 2), "plays": len(found.flights)}
        print(json.dumps({"bench": "plan", **row}), flush=True)
    ratio = cost[SIZES[-1]] / cost[SIZES[-2]]
    print(json.dumps({"bench": "plan", "ratio": round(ratio, 2), "gate": GATE}))
    curve = ", ".join(f"{size:,} customers {cost[size]:.2f} ms each" for size in SIZES)
    print(f"plan: {curve}; one of {SIZES[-1]:,} costs {ratio:.2f} times one of {SIZES[-2]:,} (gate {GATE})")
    return int(ratio > GATE)


if __name__ == "__main__":
    sys.exit(main())
