"""What a scenario may say beyond fixed times, and how plainly a difference is told."""

from datetime import date
from typing import Any

import pytest

from authoring.compile import Compiled
from authoring.scenario import Scenario, check, load, read, resolve
from authoring.scenario_file import mistakes
from lifecycle.messages import ApprovalAnswered, ContractSigned, EmailReplied, Event, MeetingAnswered
from lifecycle.model import Contract

ASKS = """\
playbook: asks
title: Asks
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - id: look
    day: 1
    approval: { by: csm, within: 3 business days }
    slack: { to: csm, template: look }
  - id: score
    day: 2
    survey: { kind: nps, to: champion, template: nps }
  - id: thanks
    wait: { event: nps.answered, by: day 9 }
    then:
      - id: second
        approval: { by: csm, within: 3 business days }
        slack: { to: csm, template: look }
"""
HEAD = """\
scenario: asked
playbook: asks
customer: { name: Acme, zone: Europe/Berlin, country: DE, champion: ada@acme.example.com }
start: 2026-03-02T10:00
"""


@pytest.fixture
def compiled(judge: Any) -> Compiled:
    found: Compiled = judge.compiled(
        {"playbooks/asks.yaml": ASKS, "playbooks/scenarios/asked.yaml": f"{HEAD}expect: []"}
    )
    assert not found.diagnostics
    return found


def scenario(compiled: Compiled, rest: str) -> Scenario:
    found, wrong = load(HEAD + rest, "asked.yaml", compiled)
    assert found, wrong
    return found


def said(compiled: Compiled, rest: str) -> list[tuple[str, str]]:
    """Place and words of every difference."""
    return [(str(item.place), item.what) for item in check(scenario(compiled, rest), compiled)]


def test_answers_come_so_long_after_their_questions_even_where_one_answer_leads_to_the_next_question(
    compiled: Compiled,
) -> None:
    rest = """\
events:
  - { approve: second, after: 1 business hour }
  - { nps: 9, after: 2 days }
  - { approve: look, after: 26 hours, by: csm }
expect:
  - { day: 1, at: "09:00", approval: look, to: csm }
  - { day: 2, at: "09:00", survey: nps, to: champion }
  - { day: 2, at: "11:00", slack: look, to: csm }
  - { day: 4, at: "09:00", approval: second, to: csm }
  - { day: 4, at: "10:00", slack: look, to: csm }
"""
    assert check(scenario(compiled, rest), compiled) == ()


def test_what_products_report_may_come_on_each_of_some_days(compiled: Compiled) -> None:
    line = '{ day: 3, until_day: 5, at: "09:00", event: feature.used }'
    found = scenario(compiled, f"events:\n  - {line}\nexpect: []\n")
    assert [f"{at:%d %H}" for at, _ in found.events] == ["05 08", "06 08", "07 08"]


def test_resolved_events_come_in_order(compiled: Compiled) -> None:
    found = scenario(
        compiled, "events:\n  - { nps: 9, after: 2 days }\n  - { approve: look, after: 1 hour }\nexpect: []\n"
    )
    timed = resolve(found, found.library(compiled))
    assert timed.answers == ()
    assert [type(event) is ApprovalAnswered for _, event in timed.events] == [True, False]
    assert timed.until > found.until


def test_an_answer_to_a_question_that_never_comes_is_a_difference(compiled: Compiled) -> None:
    rest = """\
events:
  - { approve: second, after: 1 hour }
expect:
  - { day: 2, at: "09:00", survey: nps, to: champion }
  - { day: 4, at: "09:00", task: look, to: csm }
"""
    assert said(compiled, rest) == [("asked.yaml:6:24", "this answers a question that was never put")]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{ approve: look, after: 2 hours, day: 3 }", 'a line with "after" has a day or time, too'),
        ('{ approve: look, after: 2 hours, at: "09:00" }', 'a line with "after" has a day or time, too'),
        (
            "{ tick: first_value, after: 2 hours }",
            '"after" counts from a question, and this answers none; approve, reject, done, nps, csat, ces, exit do',
        ),
        ("{ approve: look, after: soon }", '"soon" is not a length of time'),
        (
            '{ nps: 9, day: 3, until_day: 5, at: "09:00" }',
            '"until_day" is for what products report, day by day',
        ),
        ("{ approve: loook, after: 2 hours }", 'no step that asks for approval is called "loook"'),
    ],
)
def test_a_wrong_answer_is_told(compiled: Compiled, line: str, what: str) -> None:
    found, wrong = load(f"{HEAD}events:\n  - {line}\nexpect: []\n", "asked.yaml", compiled)
    assert found is None
    assert [item.what for item in wrong] == [what]


CALL = """\
  - id: call
    day: 3
    invite: { to: champion, template: kickoff, when: "day 5 between 10:00 and 16:00", length: 30 minutes }
"""
MEETS = ASKS.replace("  - id: thanks\n", f"{CALL}  - id: thanks\n")


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("replied: champion", EmailReplied("champion")),
        ("meeting: call", MeetingAnswered("asks/1/call", "held")),
        ("meeting: call, outcome: no_show, by: csm", MeetingAnswered("asks/1/call", "no_show", "csm")),
        ("meeting: call, outcome: declined, play: 2", MeetingAnswered("asks/2/call", "declined")),
        ("contract: main, ends_on: 2027-03-01", ContractSigned(Contract("main", date(2027, 3, 1)))),
        (
            "contract: main, starts_on: 2027-02-01, ends_on: 2027-03-01, auto_renews: no",
            ContractSigned(Contract("main", date(2027, 3, 1), "", date(2027, 2, 1), auto_renews=False)),
        ),
    ],
)
def test_what_comes_back_and_contracts_can_happen(judge: Any, line: str, event: Event) -> None:
    compiled = judge.compiled({"playbooks/asks.yaml": MEETS})
    found = scenario(compiled, f'events: [{{ day: 4, at: "09:00", {line} }}]\nexpect: []\n')
    assert [told for _, told in found.events] == [event]


WEEK = '  - { day: 2, at: "09:00", survey: nps, to: champion }\n'
PAPERS = """\
  - id: brief
    day: 5
    document: { template: brief, for: csm, title: A brief }
  - id: more
    day: 5
    opportunity: { kind: seats, title: More seats, owner: csm }
"""


def test_documents_opportunities_and_reminders_are_checked_where_a_line_names_one(judge: Any) -> None:
    book = ASKS.replace("  - id: thanks\n", f"{PAPERS}  - id: thanks\n")
    compiled = judge.compiled({"playbooks/asks.yaml": book, "templates/documents/brief.md": "# Brief\n"})
    task = f'{WEEK}  - {{ day: 4, at: "09:00", task: look, to: csm }}\n'
    assert said(compiled, f"expect:\n{task}") == []
    lines = '  - { day: 5, at: "09:00", document: brief, to: csm }\n  - { day: 5, at: "09:00", opportunity: seats }\n'
    assert said(compiled, f"expect:\n{task}{lines}") == []
    assert [what for _, what in said(compiled, f"expect:\n{task}{lines.replace('day: 5', 'day: 6')}")] == [
        "this came otherwise: day 5 at 09:00, document brief to csm",
        "this came otherwise: day 5 at 09:00, opportunity seats to csm",
    ]


def test_the_commission_of_an_opportunity_is_told_where_it_differs(judge: Any) -> None:
    papers = PAPERS.replace("owner: csm }", "owner: csm, commission: 5 }").partition("  - id: more")[2]
    compiled = judge.compiled({"playbooks/asks.yaml": f"{ASKS}  - id: more{papers}"})
    rest = f"expect:\n{WEEK}" + '  - { day: 4, at: "09:00", task: look, to: csm }\n'
    line = '  - { day: 5, at: "09:00", opportunity: seats, to: csm, commission: %s }\n'
    assert said(compiled, rest + line % 5) == []
    (wrong,) = check(scenario(compiled, rest + line % 10), compiled)
    assert wrong.what == "this came otherwise: day 5 at 09:00, opportunity seats to csm, commission 5"
    assert wrong.fix.endswith('- { day: 5, at: "09:00", opportunity: seats, to: csm, commission: 5 }')


def test_the_value_and_the_day_to_close_by_are_told_where_they_differ(judge: Any) -> None:
    papers = PAPERS.replace("owner: csm }", "owner: csm, value: 10 * 2, closes: 30 days }").partition("  - id: more")[2]
    compiled = judge.compiled({"playbooks/asks.yaml": f"{ASKS}  - id: more{papers}"})
    rest = f"expect:\n{WEEK}" + '  - { day: 4, at: "09:00", task: look, to: csm }\n'
    line = '  - { day: 5, at: "09:00", opportunity: seats, to: csm, value: %s, closes: %s }\n'
    assert said(compiled, rest + line % (20, 35)) == []
    for told in ((20, 36), (21, 35)):
        (wrong,) = check(scenario(compiled, rest + line % told), compiled)
        assert wrong.what == "this came otherwise: day 5 at 09:00, opportunity seats to csm, value 20, closes 35"
        assert wrong.fix.endswith('- { day: 5, at: "09:00", opportunity: seats, to: csm, value: 20, closes: 35 }')


def test_who_signs_and_when_and_how_long_a_meeting_is_are_told_where_they_differ(judge: Any) -> None:
    compiled = judge.compiled({"playbooks/asks.yaml": MEETS})
    rest = f'expect:\n{WEEK}  - {{ day: 4, at: "09:00", task: look, to: csm }}\n'
    hours, right = "between 10:00 and 16:00", 'invite: kickoff, from: csm, meets: "day 7 between 10:00 and 16:00"'
    assert said(compiled, f'{rest}  - {{ day: 3, at: "09:00", {right}, length: 30 minutes }}\n') == []
    line = f'  - {{ day: 3, at: "09:00", invite: kickoff, from: support, meets: "day 6 {hours}", length: 1 hour }}\n'
    (wrong,) = check(scenario(compiled, rest + line), compiled)
    came, length = f"meets day 7 {hours}", "length 30 minutes"  # day 5 is a Saturday
    assert wrong.what == f"this came otherwise: day 3 at 09:00, invite kickoff to champion, from csm, {came}, {length}"
    assert wrong.fix.endswith(f'to: champion, from: csm, meets: "day 7 {hours}", length: 30 minutes }}')


def test_the_task_that_a_reply_raises_can_be_expected(compiled: Compiled) -> None:
    events = 'events: [{ day: 1, at: "09:30", replied: champion }]\n'
    reply = 'expect:\n  - { day: 1, at: "09:30", task: reply, to: csm }\n'
    assert [what for _, what in said(compiled, events + reply)] == [
        "this happened and is not expected: day 4 at 09:00, task look to csm"
    ]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("meeting: look", 'no step that invites is called "look"'),
        ("contract: main", 'an event has no "ends_on"'),
        ("contract: main, ends_on: soon", '"soon" is not a date'),
        ("replied: csm", 'no role at the customer is called "csm"'),
    ],
)
def test_what_cannot_come_back_is_told(compiled: Compiled, line: str, what: str) -> None:
    found, wrong = load(f'{HEAD}events: [{{ day: 4, at: "09:00", {line} }}]\nexpect: []\n', "asked.yaml", compiled)
    assert found is None
    assert [item.what for item in wrong] == [what]


def test_every_mistake_of_every_scenario_of_a_folder_is_told(judge: Any) -> None:
    files = {
        "playbooks/asks.yaml": ASKS,
        "playbooks/scenarios/one.yaml": f"{HEAD}events:\n  - {{ nps: , after: 1 hour }}\nexpect:\n  - {{ email: }}\n",
        "playbooks/scenarios/two.yaml": "scenario: two\nplaybook: asks\nstart: today\nexpect: []\ncustomer: {}\n",
        "playbooks/scenarios/three.yaml": "scenario: three\nplaybook: asks\nexpect: []\nstart: 2026-03-02T10:00\n",
    }
    found = [(item.place.file.rpartition("/")[2], item.what) for item in mistakes(judge.compiled(files))]
    assert found == [
        ("one.yaml", '"nps" is empty'),
        ("one.yaml", '"email" is empty'),
        ("three.yaml", 'the scenario has no "customer"'),
        ("two.yaml", '"today" is not a local date and time'),
        ("two.yaml", '"customer" has no "name"'),
    ]


def test_a_fact_of_an_event_that_is_no_value_of_its_is_told(compiled: Compiled) -> None:
    events = 'events:\n  - { day: 1, at: "09:00", facts: { usage.core_features: many } }\n'
    found, wrong = load(f"{HEAD}{events}expect: []\n", "asked.yaml", compiled)
    assert found is None
    assert len(wrong) == 1


MOVED = """\
events:
  - { day: 1, at: "12:00", stage: adoption }
  - { day: 2, at: "12:00", facts: { health.score: 10 } }
"""
SENT = """\
expect:
  - { day: 2, at: "09:00", survey: nps, to: champion }
  - { day: 4, at: "09:00", task: look, to: csm }
"""


def test_moves_are_checked_where_they_are_named(compiled: Compiled) -> None:
    moves = '  - { day: 1, at: "12:00", stage: adoption }\n  - { day: 2, at: "12:00", band: critical }\n'
    assert said(compiled, MOVED + SENT + moves) == []
    assert said(compiled, MOVED + SENT) == []


def test_a_move_at_another_time_is_told_with_what_the_trace_says(compiled: Compiled) -> None:
    found = check(scenario(compiled, MOVED + SENT + '  - { day: 3, at: "12:00", stage: adoption }\n'), compiled)
    assert [item.what for item in found] == ["this came otherwise: day 1 at 12:00, stage adoption"]
    assert found[0].fix == 'change the playbook, or write - { day: 1, at: "12:00", stage: adoption }'
    assert "adoption, day 1 at 12:00: fired, set by csm" in found[0].reason


def test_a_move_that_never_comes_is_told(compiled: Compiled) -> None:
    wrong = check(scenario(compiled, SENT + '  - { day: 3, at: "12:00", band: red }\n'), compiled)
    assert [(item.what, item.why) for item in wrong] == [
        ("this did not happen: band red", "the trace says nothing of it.")
    ]


@pytest.mark.parametrize(
    ("line", "rule"),
    [("stage: adopted", "unknown-stage"), ("band: rot", "unknown-band"), ("phase: assesment", "unknown-stage")],
)
def test_a_place_that_does_not_exist_is_told(compiled: Compiled, line: str, rule: str) -> None:
    found, wrong = load(f'{HEAD}expect:\n  - {{ day: 1, at: "09:00", {line} }}\n', "asked.yaml", compiled)
    assert found is None
    assert [item.rule for item in wrong] == [rule]


def test_the_nearest_touch_of_the_same_name_is_the_one_that_came_otherwise(compiled: Compiled) -> None:
    rest = """\
events:
  - { approve: look, after: 0 hours }
  - { nps: 9, after: 2 days }
  - { approve: second, after: 0 hours }
expect:
  - { day: 4, at: "09:30", slack: look, to: csm }
  - { day: 1, at: "09:00", slack: look, to: csm }
"""
    assert said(compiled, rest) == [
        ("asked.yaml:9:1", "this happened and is not expected: day 2 at 09:00, survey nps to champion"),
        ("asked.yaml:10:35", "this came otherwise: day 4 at 09:00, slack look to csm"),
    ]


def test_what_came_in_its_place_is_said(compiled: Compiled) -> None:
    rest = """\
expect:
  - { day: 2, at: "09:00", survey: nps, to: champion }
  - { day: 4, at: "09:00", task: score, to: csm }
"""
    assert (
        "asked.yaml:7:34",
        "this did not happen: task score; that day came day 4 at 09:00, task look to csm",
    ) in said(compiled, rest)


def test_a_scenario_beside_the_playbooks_is_part_of_no_release(compiled: Compiled, judge: Any) -> None:
    (source,) = compiled.scenarios
    found, wrong = read(source, compiled)
    assert (found.name, wrong) == ("asked", ()) if found else wrong
    assert judge.compiled({"playbooks/asks.yaml": ASKS}).digest == compiled.digest


def test_when_a_task_is_due_and_when_a_question_is_over_are_told_where_they_differ(judge: Any) -> None:
    book = """\
playbook: asks
title: Asks
owner: csm
trigger: { stage: onboarding }
anchor: signup
steps:
  - id: plan
    day: 1
    task: { to: csm, title: Plan, due: 2 business days }
  - id: look
    day: 1
    approval: { by: csm, within: 4 business hours }
    slack: { to: csm, template: look }
"""
    compiled = judge.compiled({"playbooks/asks.yaml": book, "playbooks/scenarios/asked.yaml": f"{HEAD}expect: []"})
    rest = """\
expect:
  - { day: 1, at: "09:00", task: plan, to: csm, due: "day %s" }
  - { day: 1, at: "09:00", approval: look, to: csm, due: "day 1 at 13:00" }
  - { day: 1, at: "13:00", task: look, to: csm }
"""
    assert said(compiled, rest % "3 at 09:00") == []
    assert said(compiled, rest % "2 at 09:00") == [
        ("asked.yaml:6:34", "this came otherwise: day 1 at 09:00, task plan to csm, due day 3 at 09:00")
    ]
    assert check(scenario(compiled, rest % "2 at 09:00"), compiled)[0].fix == (
        'change the playbook, or write - { day: 1, at: "09:00", task: plan, to: csm, due: "day 3 at 09:00" }'
    )
