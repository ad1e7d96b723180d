"""What checking playbooks costs: all that ships, and how the time grows with the number of steps of one playbook."""

import gc
import json
import sys
from datetime import date
from pathlib import Path
from time import process_time

from authoring.compile import Compiled, compile_folder, compile_playbook, read_templates
from authoring.diagnostics import Report
from authoring.lint import lint
from authoring.scenario_file import lifecycle_of, mistakes

HERE = Path(__file__).resolve().parent.parent
STEPS = (10, 100, 1_000)
ROUNDS = 3
GATE = 1.0
"""Seconds of CPU that all that ships may take, after import."""
LINEAR = 2.0
"""How much dearer a step of the longest playbook may be than one of the middle."""
TODAY = date(2026, 3, 2)
HEAD = """\
playbook: long
title: A long playbook
owner: csm
trigger: { stage: onboarding }
exit: customer.stage == 'churned'
anchor: signup
inputs: { grace: { type: length, default: 2 days } }
steps:
"""
PAIR = """\
  - id: mail-{n}
    day: {n}
    if: customer.arr > {n} and milestones.first_value
    email: {{ to: champion, template: sequence/check-in, from: csm }}
  - id: call-{n}
    after: {{ step: mail-{n}, delay: inputs.grace }}
    task: {{ to: csm, title: "Call {{{{ customer.name }}}}", due: 2 business days }}
"""


def shipped() -> tuple[float, Compiled]:
    """CPU seconds for all that `stageplay validate` does, cold."""
    before = process_time()
    compiled = compile_folder(HERE / "playbooks", HERE / "templates")
    found = (*compiled.diagnostics, *mistakes(compiled), *lint(compiled, TODAY))
    took = process_time() - before
    if compiled.catalogue is None:
        raise ValueError(f"what ships does not compile: {found}")
    return took, compiled


def curve(compiled: Compiled) -> dict[int, float]:
    """Milliseconds a step, the best of some rounds, by the number of steps."""
    lifecycle, templates = lifecycle_of(compiled), read_templates(HERE / "templates", Report())
    found = {}
    for steps in STEPS:
        text = HEAD + "".join(PAIR.format(n=n) for n in range(1, steps // 2 + 1))
        rounds = []
        for _ in range(ROUNDS):
            before = process_time()
            book, mistaken = compile_playbook(text, "long.yaml", lifecycle, templates)
            rounds.append(process_time() - before)
            if book is None or len(book.steps) != steps:
                raise ValueError(f"the bench's playbook does not compile: {mistaken}")
        found[steps] = min(rounds) / steps * 1000
    return found


def main() -> int:
    """Print one JSON line and one for people of each; 1 when what ships takes too long, or time grows out of line."""
    gc.freeze()  # as the command does
    took, compiled = shipped()
    each = curve(compiled)
    growth = each[STEPS[-1]] / each[STEPS[-2]]
    print(json.dumps({"bench": "validate", "unit": "s", "shipped": round(took, 3), "gate": GATE}))
    print(f"{'validate, all that ships':<28} {took:>8.2f} s of CPU (at most {GATE:.1f})")
    figures = {str(steps): round(cost, 3) for steps, cost in each.items()}
    print(json.dumps({"bench": "validate, per step", "unit": "ms", **figures, "growth": round(growth, 2)}))
    shown = ", ".join(f"{cost:.2f} ms at {steps:,}" for steps, cost in each.items())
    print(f"{'validate, per step':<28} {shown}; the longest {growth:.2f} times the middle (at most {LINEAR:.1f})")
    return int(took > GATE or growth > LINEAR)


if __name__ == "__main__":
    sys.exit(main())
