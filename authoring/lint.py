"""What may be meant, and should be looked at: warnings over a whole set of playbooks that compile.

Errors, which keep a set from being released, are found while compiling. `today` is an argument, because whether a touch
falls on a holiday depends on it.
"""

from collections import defaultdict
from datetime import date, timedelta

from authoring.compile import Compiled
from authoring.diagnostics import Diagnostic, Place, Report
from authoring.impossible import Places, at_start
from authoring.lint_team import meeting_rooms
from authoring.lint_texts import nearly
from authoring.lint_words import unused_words
from authoring.possible import possible
from lifecycle.actions import Email, Expr, Invite, Length, Survey, Wait
from lifecycle.playbook import CONTRACT_END, STANDARD, Course, Lifecycle, Playbook, Step, Trigger

_AHEAD = timedelta(days=365)
_LEFT = ("customer.stage", "churned")
_SHOWN = 3
_LENGTHS = {"minutes": 1 / 1440, "hours": 1 / 24, "business_hours": 1 / 8, "days": 1, "business_days": 1, "weeks": 7}
_CLOCKS = ("09:00", *(f"{hour:02}:{minute:02}" for hour in range(24) for minute in (0, 15, 30, 45)))


def lint(compiled: Compiled, today: date) -> tuple[Diagnostic, ...]:
    """The warnings about a folder that compiles; none about one that does not."""
    report = Report()
    lifecycle = next((item for item in compiled.releases.values() if isinstance(item, Lifecycle)), None)
    if lifecycle is None:
        return ()
    books = {book.name: book for book in compiled.releases.values() if isinstance(book, Playbook)}
    places = {name: Places(source) for name, source in compiled.sources.items()}
    for name, book in books.items():
        _Book(book, lifecycle, places[name], report).check(today)
    _same_moment(books, lifecycle, places, report)
    for name, course in lifecycle.courses.items():
        _stages(course, places["lifecycle" if name == STANDARD else f"journey {name}"], report)
    unused_words(lifecycle, [*books.values(), *compiled.models.values()], compiled.sources, report)
    nearly(lifecycle, books.values(), compiled.sources, report)
    if compiled.team is not None:
        meeting_rooms(books.values(), lifecycle, compiled.team, report)
    return report.sorted()


class _Book:
    """One playbook being looked at."""

    def __init__(self, book: Playbook, lifecycle: Lifecycle, places: Places, report: Report) -> None:
        self.book, self.lifecycle, self.places, self.report = book, lifecycle, places, report
        self.steps = {step.id: step for step in book.steps}
        self.used = {name for step in book.steps for name in (step.under, step.when.after, *step.needs)}
        self.touches = [step for step in book.steps if isinstance(step.action, Email | Survey | Invite)]

    def check(self, today: date) -> None:
        for step in self.book.steps:
            self._at_midnight(step)
            self._useless(step)
            self._early(step)
        for step in self.touches:
            self._holiday(step, today)
        self._hours()
        self._way_out()
        self._exit()
        self._survey()
        self._notice()

    def _add(self, rule: str, place: Place, what: str, fix: str) -> None:
        self.report.add(rule, place, what, fix)

    def _at_midnight(self, step: Step) -> None:
        at_once = step.when.day is None and not step.when.after and not step.under and not step.needs
        midnight = all(trigger.date or trigger.every for trigger in self.book.triggers)
        if at_once and midnight and not isinstance(step.action, Wait):
            day = max(trigger.days for trigger in self.book.triggers) if self.book.anchor == "date" else 0
            what = f'"{step.id}" happens at once, and the play starts at midnight'
            self._add("at-midnight", self.places.step(step.id), what, f'add "day: {day}".')

    def _useless(self, step: Step) -> None:
        if not isinstance(step.action, Wait):
            return
        if step.id not in self.used:
            what = f'nothing comes of the wait "{step.id}"'
            self._add("useless-wait", self.places.step(step.id), what, 'add "then:" or "otherwise:", or remove it.')

    def _early(self, step: Step) -> None:
        """A wait for a survey's answer whose length counts from the beginning, while the survey goes out later."""
        action = step.action
        if not isinstance(action, Wait) or action.by.delay is None or step.needs:
            return
        surveys = [one for one in self.book.steps if isinstance(one.action, Survey) and _answers(action, one.action)]
        if surveys and all(self._asked_late(step, one, action.by.delay) for one in surveys):
            first = surveys[0].id
            what = f'"{step.id}" opens at once, and its {action.by.delay.shown} may end before "{first}" is answered'
            self._add("early-wait", self.places.step(step.id, "wait", "by"), what, f'add "needs: [{first}]".')

    def _asked_late(self, wait: Step, survey: Step, length: Length) -> bool:
        """Whether a survey may go out when a wait that opens with the play, or with its branch, is over."""
        above = self._above(wait)
        if survey.id in above:
            return False
        if survey.when.after or not above.issuperset(survey.needs) or survey.under not in {"", *above}:
            return True
        return survey.when.day is not None and not wait.under and survey.when.day >= _days(length)

    def _above(self, step: Step) -> set[str]:
        """What was settled before a step may open: the waits that it stands under, and what these need."""
        found, left = set[str](), [step.under, *step.needs]
        while left:
            name = left.pop()
            if name and name not in found:
                found.add(name)
                left += [self.steps[name].under, *self.steps[name].needs]
        return found

    # --- when customers are reached -----------------------------------------------------------------------------------

    def _hours(self) -> None:
        """What is due when customers are not reached: outside the playbook's window, or in the quiet hours."""
        quiet, window = "-".join(self.lifecycle.politeness.quiet), "-".join(self.book.window)
        first = next((clock for clock in _CLOCKS if self._reached(clock)), "")
        if self.touches and not first:
            what = f"the window {window} lies in the quiet hours {quiet}"
            self._add("quiet-hours", self.places.head("timing", "window"), what, 'write "08:00-18:00".')
            return
        fix = f'write a time such as "{first}".'
        if any(step.when.day is not None and not step.when.at for step in self.touches) and not self._reached(
            self.book.at
        ):
            what = f"what has no time of its own is due at {self.book.at}; customers are reached {window}, not {quiet}"
            self._add("quiet-hours", self.places.head("timing", "at"), what, fix)
        for step in self.touches:
            if step.when.at and not self._reached(step.when.at):
                what = f'"{step.id}" is due at {step.when.at}; customers are reached {window}, not {quiet}'
                self._add("quiet-hours", self.places.step(step.id, "at"), what, fix)

    def _reached(self, clock: str) -> bool:
        return _within(clock, self.book.window) and not _within(clock, self.lifecycle.politeness.quiet)

    def _holiday(self, step: Step, today: date) -> None:
        if step.when.day is None or step.when.shift:
            return
        days = sorted(
            (day, country)
            for country, dates in self.lifecycle.holidays.items()
            for day in dates
            if today.isoformat() <= day < (today + _AHEAD).isoformat()
        )
        if days:
            shown = ", ".join(dict.fromkeys(f"{day} ({country})" for day, country in days[:_SHOWN]))
            what = f'"{step.id}" goes out on weekends and holidays; the next are {shown}'
            place = self.places.step(step.id, "weekend" if self._own_weekend(step) else "day")
            self._add("holiday", place, what, 'write "weekend: next_business_day".')

    def _own_weekend(self, step: Step) -> bool:
        return self.places.step(step.id, "weekend") != self.places.step(step.id)

    # --- how customers get out ----------------------------------------------------------------------------------------

    def _way_out(self) -> None:
        for step in self.touches:
            action = step.action
            folder = {"email": "email", "survey": "surveys"}.get(action.kind)
            path = f"{folder}/{getattr(action, 'template', '')}.mjml"
            text = self.book.templates.get(path)
            if folder is None or text is None:
                continue
            if "links.unsubscribe" not in self._family(text):
                what = f"templates/{path} has no link to unsubscribe"
                place = self.places.step(step.id, action.kind, "template")
                self._add("no-way-out", place, what, "extend layout.mjml, or write {{ links.unsubscribe }}.")

    def _family(self, text: str) -> str:
        """A template's text with those of all templates that it names, and that these name."""
        found, left = text, dict(self.book.templates)
        while near := [name for name in left if name in found]:
            found += "".join(left.pop(name) for name in near)
        return found

    def _exit(self) -> None:
        ends = [expr.tree for expr in (self.book.exit, self.book.goal) if expr is not None]
        left = ("==", ("get", _LEFT[0]), ("const", _LEFT[1]))
        if self.touches and not ends and not self.book.after_leaving and self._lasts():
            what = "customers who leave go on getting what this playbook sends"
            fix = f"add \"exit: {left[1][1]} == '{_LEFT[1]}'\"."
            self._add("no-exit", self.places.head("playbook"), what, fix)

    def _lasts(self) -> bool:
        """Whether a customer can leave between the start and the last touch."""
        return any(step.when.day or step.when.after or step.under for step in self.touches)

    def _survey(self) -> None:
        for key, expr in (("goal", self.book.goal), ("exit", self.book.exit)):
            for step in self.book.steps:
                if not isinstance(step.action, Survey) or expr is None or _about_leaving(expr):
                    continue
                if f"{step.action.survey}." in expr.text or (step.action.survey == "exit" and _about_staying(expr)):
                    continue
                what = f'"{key}" can end the play before the survey "{step.id}"'
                self._add("skips-survey", self.places.head(key), what, "send the survey from a playbook of its own.")

    def _notice(self) -> None:
        """A renewal must reach the customer before the notice period of each tier it is for."""
        triggers = [trigger for trigger in self.book.triggers if trigger.date == CONTRACT_END]
        days = [step.when.day for step in self.touches if step.when.day is not None and not step.under]
        if not triggers or self.book.anchor != "date" or not days:
            return
        first = min(days)
        late = {tier: notice for tier, notice in self.lifecycle.notice.items() if -first < notice and self._for(tier)}
        if late:
            tier = max(late, key=lambda name: late[name])
            what = f'the customer first hears {-first} days before the end, "{tier}" has {late[tier]} days of notice'
            step = next(step for step in self.touches if step.when.day == first)
            self._add("notice", self.places.step(step.id, "day"), what, f'write "day: -{late[tier]}" or earlier.')

    def _for(self, tier: str) -> bool:
        """Whether customers of a tier may enter."""
        tree = ("==", ("get", "customer.tier"), ("const", tier))
        return self.book.entry is None or possible(self.book.entry.tree, tree)


def _answers(wait: Wait, survey: Survey) -> bool:
    """Whether a wait is for what people answer to a survey."""
    about = f"{survey.survey}."
    return wait.event.startswith(about) or (wait.until is not None and about in wait.until.text)


def _days(length: Length) -> float:
    """How many days a length lasts at least, about."""
    return length.amount * _LENGTHS[length.unit]


def _within(clock: str, hours: tuple[str, ...]) -> bool:
    start, end = hours
    return start <= clock < end if start <= end else clock >= start or clock < end


def _about_leaving(expr: Expr) -> bool:
    """Whether a condition is met only by customers who have left."""
    return not possible(expr.tree, ("not_in", ("get", _LEFT[0]), ("list", ("const", _LEFT[1]), ("const", "win_back"))))


def _about_staying(expr: Expr) -> bool:
    """Whether a condition is met only by customers who have not left, or are back: nobody asks those why they left."""
    return not possible(expr.tree, ("in", ("get", _LEFT[0]), ("list", ("const", _LEFT[1]), ("const", "win_back"))))


# --- several playbooks ------------------------------------------------------------------------------------------------


def _same_moment(books: dict[str, Playbook], lifecycle: Lifecycle, places: dict[str, Places], report: Report) -> None:
    """Two playbooks of one priority whose touches to one role are due at one moment for the same customers."""
    moments: dict[tuple[object, ...], list[tuple[Playbook, Step, Trigger]]] = defaultdict(list)
    for book in books.values():
        for trigger in book.triggers:
            for step in book.steps:
                for role in _reached(step):
                    reason = (
                        trigger.stage,
                        trigger.event,
                        trigger.band,
                        trigger.date,
                        trigger.days,
                        str(trigger.every),
                    )
                    at = step.when.at or book.at
                    key = (*reason, book.anchor, book.zone, book.priority, step.when.day, at, step.when.shift, role)
                    moments[key].append((book, step, trigger))
    told: set[tuple[str, str]] = set()
    for items in moments.values():
        for number, (second, step, trigger) in enumerate(items):
            others = {first.name: first for first, _step, _trigger in items[:number] if first.name != second.name}
            met = [
                name
                for name, first in others.items()
                if (name, second.name) not in told and _meet(first, second, trigger, lifecycle)
            ]
            told |= {(name, second.name) for name in met}
            if met:
                what = f"{_named(met)} something at the same moment, with the same priority"
                fix = f'give one of them another "priority" than {second.priority}.'
                report.add("same-moment", places[second.name].step(step.id), what, fix)


def _named(books: list[str]) -> str:
    """Who sends, with the verb: of many the first few."""
    rest = len(books) - _SHOWN
    shown = [f'"{name}"' for name in books[:_SHOWN]] + ([f"{rest} more"] if rest > 0 else [])
    return f"{shown[0]} sends" if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]} send"


def _reached(step: Step) -> tuple[str, ...]:
    """The roles at the customer that a step of a given day reaches."""
    if step.when.day is None or step.under or not isinstance(step.action, Email | Survey):
        return ()
    return step.action.to


def _meet(first: Playbook, second: Playbook, trigger: Trigger, lifecycle: Lifecycle) -> bool:
    """Whether one customer can be in both."""
    entries = [book.entry.tree for book in (first, second) if book.entry is not None]
    alone = any(
        not possible(book.entry.tree, ("get", f"playing.{other.name.replace('-', '_')}"))
        for book, other in ((first, second), (second, first))
        if book.entry is not None
    )
    return not alone and possible(*at_start(trigger, lifecycle), *entries)


def _stages(course: Course, places: Places, report: Report) -> None:
    for number, spec in enumerate(course.stages[:-1]):
        if spec.criterion is None:
            what = f'nothing ends the stage "{spec.name}"'
            report.add("stage-without-exit", places.item("stages", number), what, 'add "done:" with a condition.')
