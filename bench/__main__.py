"""`python -m bench [NAME ...]`: all of `BENCHES`, or those named; 1 when a gate was missed."""

import sys

from bench import latency, plan, simulator, steps, time_travel, validate

BENCHES = {"latency": latency.main, "steps": steps.main, "simulator": simulator.main, "time-travel": time_travel.main,
           "validate": validate.main, "plan": plan.main}  # fmt: skip

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(BENCHES)
    if unknown := set(wanted) - set(BENCHES):
        sys.exit(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    sys.exit(max([BENCHES[name]() for name in wanted]))
