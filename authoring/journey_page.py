"""`docs/journeys.md`: every journey that ships, stage by stage, as the compiled files have it.

`python -m authoring.journey_page` writes it; `tests/authoring/test_journeys.py` says when it lies.
"""

from pathlib import Path

from authoring.compile import compile_folder
from authoring.scenario_file import lifecycle_of
from lifecycle.playbook import Course, Lifecycle, StageSpec, Target

ROOT = Path(__file__).resolve().parent.parent
PAGE = "docs/journeys.md"
HEAD = """\
# Journeys

Written by `python -m authoring.journey_page` from the files of `playbooks/`; a test fails when it lies. A customer
names its journey at signup and is on the standard one otherwise. Days are calendar days in the customer's zone, day 0
is the signup date. A stage is left when its `done` is met, and never before the window of the next one opens; a `done`
that is not met when its window ends keeps the customer there, shows *overdue*, and gives the first owner a task. The
moves that a journey is made of are those of the [statechart](statechart.md); a stage that a journey does not have is
passed by.
"""


def page(life: Lifecycle) -> str:
    """The whole page."""
    return HEAD + "".join(_section(name, one, life) for name, one in life.courses.items())


def _section(name: str, course: Course, life: Lifecycle) -> str:
    rows = "".join(_stage(spec) for spec in course.stages)
    lines = f"\n## {course.title}\n\n`journey: {name}`, in `{course.file}`.\n\n"
    lines += f"| stage | days | owner | done when |\n| --- | --- | --- | --- |\n{rows}"
    if course.targets:
        wanted = "".join(_target(item, life) for item in course.targets)
        lines += "\n| milestone | by | asked when it is missed | customers who should |\n| --- | --- | --- | --- |\n"
        lines += wanted
    return lines


def _stage(spec: StageSpec) -> str:
    last = "+" if spec.to_day is None else "" if spec.to_day == spec.from_day else f"-{spec.to_day}"
    owners = ", ".join((spec.owner, *spec.others))
    done = f"`{spec.criterion.text}`" if spec.criterion else ""
    return f"| {spec.name} | {spec.from_day}{last} | {owners} | {done} |\n"


def _target(item: Target, life: Lifecycle) -> str:
    share = f"{item.share}%" if item.share else ""
    return f"| {life.milestones[item.milestone].title} | day {item.day} | {item.owner or 'nobody'} | {share} |\n"


def main(root: Path = ROOT) -> None:
    """Write the page."""
    compiled = compile_folder(root / "playbooks", root / "templates")
    (root / PAGE).write_text(page(lifecycle_of(compiled)), encoding="utf-8")


if __name__ == "__main__":
    main()
