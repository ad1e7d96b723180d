"""How many customer-years the simulator plays in a second, on one core, with everything that ships: all playbooks, a
year of a team customer that has both the onboarding and the mails, facts every week.
"""

import json
import statistics
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import process_time

from authoring.compile import compile_folder
from authoring.simulate import Library, simulate
from lifecycle.messages import FactsReported, SignedUp
from lifecycle.model import Contact, Profile, Teammate

HERE = Path(__file__).resolve().parent.parent
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
YEAR = timedelta(days=365)
CUSTOMERS = 20
ROUNDS = 5


def customer_years_a_second() -> list[float]:
    """One figure a round, by CPU time."""
    compiled = compile_folder(HERE / "playbooks", HERE / "templates")
    library = Library(compiled.releases)
    mara = Teammate("mara", "Europe/Berlin")
    team = dict.fromkeys(("csm", "implementation_specialist", "cs_manager"), mara)
    signup = SignedUp(Profile("Europe/Berlin", date(2026, 3, 2)), (Contact("con_1", ("champion",)),), team)
    told = [(START + timedelta(weeks=week), FactsReported({"usage.core_features": week % 4})) for week in range(52)]
    rounds = []
    for _ in range(ROUNDS):
        before = process_time()
        for number in range(CUSTOMERS):
            simulate(library, compiled.digest, signup, START, told, START + YEAR, customer=f"cus_{number}")
        rounds.append(CUSTOMERS / (process_time() - before))
    return rounds


def main() -> int:
    """Print one JSON line and one for people."""
    rounds = customer_years_a_second()
    median, low, high = statistics.median(rounds), min(rounds), max(rounds)
    figures = {"median": round(median, 1), "min": round(low, 1), "max": round(high, 1), "rounds": ROUNDS}
    print(json.dumps({"bench": "simulator", "unit": "customer-years/s", **figures}))
    print(f"{'simulator':<28} {median:>8.1f} customer-years a second ({low:.1f}-{high:.1f})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
