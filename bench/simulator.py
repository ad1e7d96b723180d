"""How many customer-years the simulator plays in a second, on one core: onboarding with check-ins and a renewal, and
the same with everything that ships. No two customers are alike: signup dates, zones, answers and scores differ.

The compiled core and the Python play the same lives in turn, each in a process of its own, and must decide the same.
"""

import gc
import hashlib
import json
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from time import process_time

import native
from authoring.compile import Compiled, compile_folder, compile_playbook
from authoring.simulate import Library, simulate
from lifecycle.jsonform import encode
from lifecycle.messages import ApprovalAnswered, Event, FactsReported, MilestoneTicked, SignedUp, SurveyAnswered
from lifecycle.model import Contact, Contract, Profile, Teammate
from lifecycle.playbook import Lifecycle, Manifest, Playbook, digest_of

HERE = Path(__file__).resolve().parent.parent
YEAR = timedelta(days=365)
CUSTOMERS = 20
ROUNDS = 5
WORKS = (("simulator", ("onboarding-14-day",)), ("simulator, all that ships", ()))
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Europe/London")
TEAM = ("csm", "implementation_specialist", "cs_manager")

HEAD = """\
playbook: {name}
title: {name}
owner: csm
trigger: {{ event: customer.signed_up }}
exit: customer.stage == 'churned'
anchor: signup
steps:
"""
CHECK_IN = """\
  - {{ id: talk-{n}, day: {day}, task: {{ to: csm, title: "Call {{{{ customer.name }}}}", due: 2 business days }} }}
"""
QUARTER = """\
  - {{ id: review-{n}, day: {day}, email: {{ to: champion, template: sequence/check-in, from: csm }} }}
  - {{ id: notes-{n}, after: {{ step: review-{n}, delay: 2 days }}, task: {{ to: csm, title: "Write it up" }} }}
"""
PHASE = """\
  - {{ id: start-{n}, day: {day}, weekend: next_business_day, task: {{ to: csm, title: "Renewal, phase {n}" }} }}
  - {{ id: hint-{n}, day: {day}, if: customer.arr > 0, slack: {{ to: csm, template: onboarding/open-questions }} }}
  - {{ id: mail-{n}, day: {day}, needs: [start-{n}], email: {{ to: champion, template: sequence/next-step }} }}
"""


def _books(shipped: Compiled) -> list[Playbook]:
    """Monthly check-ins with a quarterly review, and a renewal of six phases, in the language that authors write."""
    journey = next(item for item in shipped.releases.values() if isinstance(item, Lifecycle))
    known = dict(
        chain.from_iterable(item.templates.items() for item in shipped.releases.values() if isinstance(item, Playbook))
    )
    months = "".join(CHECK_IN.format(n=n, day=30 * n) for n in range(1, 13))
    quarters = "".join(QUARTER.format(n=n, day=90 * n - 5) for n in range(1, 5))
    phases = "".join(PHASE.format(n=n, day=365 - days) for n, days in enumerate((120, 90, 60, 30, 14, 3), 1))
    books = []
    for name, steps in (("check-ins", months + quarters), ("renewal", phases)):
        book, found = compile_playbook(HEAD.format(name=name) + steps, f"{name}.yaml", journey, known)
        if book is None:
            raise ValueError(f"the bench's playbook {name} does not compile: {found}")
        books.append(book)
    return books


def catalogue(shipped: Compiled, names: tuple[str, ...]) -> tuple[Library, str]:
    """The bench's playbooks beside those shipped ones that are named; all of them for no name."""
    manifest = next(item for item in shipped.releases.values() if isinstance(item, Manifest))
    chosen = {name: digest for name, digest in manifest.playbooks.items() if name in names or not names}
    books = {digest_of(book): book for book in _books(shipped)}
    wanted = Manifest(manifest.lifecycle, {**chosen, **{book.name: digest for digest, book in books.items()}})
    return Library({**shipped.releases, **books, digest_of(wanted): wanted}), digest_of(wanted)


def life(number: int) -> tuple[SignedUp, datetime, list[tuple[datetime, Event]]]:
    """One customer, another one for each number: 24 health scores, six milestones, an answer to each question."""
    day = date(2026, 3, 2) + timedelta(days=number % 97)
    start = datetime(day.year, day.month, day.day, 6 + number % 12, tzinfo=UTC)
    zone = ZONES[number % len(ZONES)]
    profile = Profile(zone, day, tier=("team", "pro")[number % 2], country=("DE", "US", "")[number % 3])
    mara = Teammate("mara", zone)
    contract = Contract("first", day + YEAR)
    signup = SignedUp(profile, (Contact("con_1", ("champion",)),), dict.fromkeys(TEAM, mara), (contract,))
    events: list[tuple[datetime, Event]] = [
        (start + timedelta(days=15 * n), FactsReported({"health.score": (number * 7 + n * 13) % 101}))
        for n in range(1, 25)
    ]
    ticks = ("kickoff_held", "technical_setup", "team_onboarded", "first_value", "graduation_held", "full_adoption")
    events += [(start + timedelta(days=3 + 2 * n), MilestoneTicked(name, "mara")) for n, name in enumerate(ticks)]
    asked = ((1, "kickoff"), (5, "training"), (10, "graduation"))
    events += [
        (start + timedelta(days=n, hours=9), ApprovalAnswered(f"onboarding-14-day/1/{name}", "mara", "approve", name))
        for n, name in asked
    ]
    return signup, start, [*events, (start + timedelta(days=17), SurveyAnswered("nps", "con_1", number % 11))]


@dataclass(frozen=True, slots=True)
class Round:
    """Customer-years a second by CPU time, decisions a customer-year, and a digest of all that was decided."""

    rate: float
    decisions: float
    decided: str


def play_rounds() -> None:
    """Play a round for each line that comes in, the number of it and the playbooks' names, and say what came of it."""
    shipped = compile_folder(HERE / "playbooks", HERE / "templates")
    gc.freeze()  # as the processes do that play portfolios
    known = {names: catalogue(shipped, names) for _, names in WORKS}
    print("ready", flush=True)
    for line in sys.stdin:
        turn, *names = line.split()
        print(json.dumps(asdict(_round(*known[tuple(names)], int(turn)))), flush=True)


def _round(library: Library, digest: str, turn: int) -> Round:
    lives = [life(turn * CUSTOMERS + number) for number in range(CUSTOMERS)]
    played, before = [], process_time()
    for number, (signup, start, events) in enumerate(lives):
        played.append(simulate(library, digest, signup, start, events, start + YEAR, customer=f"cus_{number}"))
    rate = CUSTOMERS / (process_time() - before)
    decided = [encode(decision) for one in played for decision in one.decisions]
    return Round(rate, len(decided) / CUSTOMERS, hashlib.sha256(json.dumps(decided).encode()).hexdigest())


class Arm:
    """One core, in a process of its own."""

    def __init__(self, *, compiled: bool) -> None:
        command = [sys.executable, "-c", "from bench import simulator; simulator.play_rounds()"]
        self._process = subprocess.Popen(
            command, env=native.environment(compiled=compiled), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._line()

    def _line(self) -> str:
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            raise RuntimeError("a process that plays rounds has ended; it has said why")
        return line

    def play(self, turn: int, names: tuple[str, ...]) -> Round:
        print(turn, *names, file=self._process.stdin, flush=True)
        return Round(**json.loads(self._line()))

    def end(self) -> None:
        self._process.communicate()


def _rounds(arms: dict[str, Arm], names: tuple[str, ...]) -> dict[str, list[Round]]:
    """Of each arm, in turn; the first round of each warms up and is thrown away."""
    found: dict[str, list[Round]] = {arm: [] for arm in arms}
    for turn in range(ROUNDS + 1):
        for arm, process in arms.items():
            found[arm].append(process.play(turn, names))
    return {arm: rounds[1:] for arm, rounds in found.items()}


def _tell(bench: str, found: dict[str, list[Round]]) -> bool:
    """One JSON line an arm and one of both, and one for people; whether both decided the same."""
    rates = {arm: statistics.median(item.rate for item in rounds) for arm, rounds in found.items()}
    for arm, rounds in found.items():
        spread = {
            "min": round(min(item.rate for item in rounds), 1),
            "max": round(max(item.rate for item in rounds), 1),
        }
        row = {"bench": bench, "core": arm, "unit": "customer-years/s", "median": round(rates[arm], 1), **spread}
        print(json.dumps({**row, "rounds": ROUNDS, "decisions": round(rounds[0].decisions)}))
    pairs = list(zip(*found.values(), strict=True))
    same = all(len({item.decided for item in pair}) == 1 for pair in pairs)
    said = ", ".join(f"{arm} {rate:.1f}" for arm, rate in rates.items())
    if len(found) > 1:
        ratio = statistics.median(compiled.rate / python.rate for python, compiled in pairs)
        print(json.dumps({"bench": bench, "ratio": round(ratio, 2), "passed": same}))
        said += f": {ratio:.1f} times, {'the same decisions' if same else 'DIFFERENT DECISIONS'}"
    print(f"{bench:<28} customer-years a second: {said}")
    return same


def main() -> int:
    """Print what `_tell` tells of both works; 1 when the two cores decide differently."""
    arms = {"python": Arm(compiled=False), **({"compiled": Arm(compiled=True)} if native.is_made() else {})}
    same = [_tell(bench, _rounds(arms, names)) for bench, names in WORKS]
    for arm in arms.values():
        arm.end()
    return int(not all(same))


if __name__ == "__main__":
    sys.exit(main())
