"""`python -m bench [NAME ...]`: all of `BENCHES`, or those named; 1 when a gate was missed.

With the compiled core, where `python native.py` has made it of the sources as they are.
"""

import os
import sys

import native

if native.is_made() and not native.in_use():
    os.execve(sys.executable, [sys.executable, "-m", "bench", *sys.argv[1:]], native.environment(compiled=True))

from bench import latency, plan, simulator, steps, time_travel, validate

BENCHES = {"latency": latency.main, "steps": steps.main, "simulator": simulator.main, "time-travel": time_travel.main,
           "validate": validate.main, "plan": plan.main}  # fmt: skip

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(BENCHES)
    if unknown := set(wanted) - set(BENCHES):
        sys.exit(f"no such bench: {', '.join(sorted(unknown))}; there are {', '.join(BENCHES)}")
    print(f"the core is {'compiled' if native.in_use() else 'Python; compiled it is faster: python native.py'}")
    sys.exit(max([BENCHES[name]() for name in wanted]))
