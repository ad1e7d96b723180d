"""How many customer-years the simulator plays in a second, on one core: onboarding with check-ins and a renewal, and
the same with everything that ships. No two customers are alike: signup dates, zones, answers and scores differ.
"""

import gc
import json
import statistics
import sys
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from time import process_time

from authoring.compile import Compiled, compile_folder, compile_playbook
from authoring.simulate import Library, simulate
from lifecycle.messages import ApprovalAnswered, Event, FactsReported, MilestoneTicked, SignedUp, SurveyAnswered
from lifecycle.model import Contact, Contract, Profile, Teammate
from lifecycle.playbook import Lifecycle, Manifest, Playbook, digest_of

HERE = Path(__file__).resolve().parent.parent
YEAR = timedelta(days=365)
CUSTOMERS = 20
ROUNDS = 5
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


def customer_years_a_second(shipped: Compiled, names: tuple[str, ...]) -> tuple[list[float], float]:
    """One figure a round, by CPU time, and how many decisions a customer-year has."""
    library, digest = catalogue(shipped, names)
    rounds, decisions = [], 0
    for turn in range(ROUNDS + 1):
        lives = [life(turn * CUSTOMERS + number) for number in range(CUSTOMERS)]
        before = process_time()
        for number, (signup, start, events) in enumerate(lives):
            played = simulate(library, digest, signup, start, events, start + YEAR, customer=f"cus_{number}")
            decisions += len(played.decisions)
        rounds.append(CUSTOMERS / (process_time() - before))
    return rounds[1:], decisions / CUSTOMERS / (ROUNDS + 1)


def main() -> int:
    """Print one JSON line and one for people of each; the first round of each warms up and is thrown away."""
    shipped = compile_folder(HERE / "playbooks", HERE / "templates")
    gc.freeze()  # as the processes do that play portfolios
    for bench, names in (("simulator", ("onboarding-14-day",)), ("simulator, all that ships", ())):
        rounds, decisions = customer_years_a_second(shipped, names)
        median, low, high = statistics.median(rounds), min(rounds), max(rounds)
        figures = {"median": round(median, 1), "min": round(low, 1), "max": round(high, 1), "rounds": ROUNDS}
        print(json.dumps({"bench": bench, "unit": "customer-years/s", "decisions": round(decisions), **figures}))
        print(f"{bench:<28} {median:>8.1f} customer-years a second ({low:.1f}-{high:.1f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
