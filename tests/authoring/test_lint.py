"""What lint says of a whole set, and what it leaves alone."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from authoring.compile import compile_folder
from authoring.diagnostics import render_text
from authoring.lint import lint

HEAD = "playbook: tried\ntitle: Tried\nowner: csm\n"
LOOK = "  - { id: look, day: 1, slack: { to: csm, template: look } }\n"
MAIL = "  - { id: welcome, day: 1, email: { to: champion, template: welcome } }\n"
STANDARD = Path(__file__).parent / "standard/playbooks"
TODAY = date(2026, 3, 2)


def warned(judge: Any, text: str, today: date = TODAY, **files: str) -> list[tuple[str, str]]:
    """Rule and words of the warnings about one playbook beside the standard ones."""
    compiled = judge.compiled({"playbooks/tried.yaml": text, **{f"playbooks/{k}.yaml": v for k, v in files.items()}})
    assert not compiled.diagnostics, render_text(compiled.diagnostics)
    found = [item for item in lint(compiled, today) if item.place.file == "playbooks/tried.yaml"]
    return [(item.rule, item.what) for item in found]


def rules(judge: Any, text: str) -> list[str]:
    return [rule for rule, _what in warned(judge, text)]


def head(**keys: str) -> str:
    return HEAD + "".join(f"{key}: {value}\n" for key, value in keys.items())


ENDS = "customer.stage == 'churned'"
STAGE = "{ stage: onboarding }"


def test_a_folder_that_does_not_compile_has_no_warnings(judge: Any) -> None:
    assert lint(judge.compiled({"playbooks/tried.yaml": "playbook: tried\n"}), TODAY) == ()


def test_without_a_catalogue_no_fact_is_unused(judge: Any) -> None:
    text = "lifecycle: tiny\nroles: { csm: [], founder: [] }\nstages: [{ stage: onboarding, owner: csm, days: 0+ }]\n"
    files = {"playbooks/lifecycle.yaml": text, "templates/email/welcome.txt": "Subject: Hello\n\nHello.\n"}
    compiled = judge.compiled(files, without=("playbooks/facts.yaml",))
    assert not compiled.diagnostics
    assert [item.rule for item in lint(compiled, TODAY)] == ["no-exit"]


def compares(name: str, text: str) -> str:
    return head(trigger=STAGE, entry=f"customer.{name} == '{text}'", exit=ENDS, steps="") + LOOK


def test_a_tier_that_is_nearly_another_one_is_told_until_the_lifecycle_names_it(judge: Any) -> None:
    told = 'the condition compares customer.tier with "prof", which no customer may have'
    assert warned(judge, compares("tier", "prof")) == [("nearly", told)]
    named = (STANDARD / "lifecycle.yaml").read_text(encoding="utf-8").replace("pro: 60", "pro: 60, prof: 50")
    assert warned(judge, compares("tier", "prof"), lifecycle=named) == []
    assert warned(judge, compares("tier", "startup")) == [], "a tier of their own"


def test_a_segment_is_held_against_those_of_several_files(judge: Any) -> None:
    others = {name: compares("segment", "strategic").replace("tried", name) for name in ("one", "two")}
    told = 'the condition compares customer.segment with "stategic", which no customer may have'
    assert warned(judge, compares("segment", "stategic"), TODAY, **others) == [("nearly", told)]
    assert warned(judge, compares("segment", "stategic"), one=others["one"]) == [], "nobody knows which is right"
    assert warned(judge, compares("segment", "retail"), TODAY, **others) == []


def test_without_a_team_nobody_lacks_a_room(judge: Any) -> None:
    invite = 'invite: { to: champion, template: kickoff, when: "day 3 between 10:00 and 16:00", length: 1 hour }'
    text = head(trigger=STAGE, exit=ENDS, steps="") + f"  - {{ id: kickoff, day: 1, {invite} }}\n"
    compiled = judge.compiled({"playbooks/tried.yaml": text}, without=("playbooks/team.yaml",))
    assert not compiled.diagnostics
    assert "no-meeting-url" not in {item.rule for item in lint(compiled, TODAY)}


@pytest.mark.parametrize(
    "other",
    [
        "entry: customer.tier == 'pro'\n",
        "entry: not playing.tried\n",
        "priority: 51\n",
        "timing: { zone: Europe/Berlin }\n",
        'timing: { at: "11:00" }\n',
        "anchor: entry\n",
        "trigger: { event: feature.used }\n",
    ],
)
def test_playbooks_that_differ_do_not_want_the_same_moment(judge: Any, other: str) -> None:
    base = head(trigger=STAGE, anchor="signup", entry="customer.tier == 'team'", exit=ENDS, steps="") + MAIL
    key = other.partition(":")[0]
    text = "".join(line + "\n" for line in base.splitlines() if not line.startswith(f"{key}:")).replace(
        "playbook: tried\n", f"playbook: other\n{other}"
    )
    compiled = judge.compiled(
        {"playbooks/other.yaml": text, "playbooks/tried.yaml": base}, without=("playbooks/hello.yaml",)
    )
    assert not compiled.diagnostics, render_text(compiled.diagnostics)
    assert "same-moment" not in {item.rule for item in lint(compiled, TODAY)}


def test_two_playbooks_at_one_moment_are_told_once(judge: Any) -> None:
    mails = MAIL + MAIL.replace("welcome,", "again,").replace("day: 1", "day: 2")
    base = head(trigger=STAGE, anchor="signup", exit=ENDS, steps="") + mails
    other = base.replace("playbook: tried", "playbook: other")
    compiled = judge.compiled(
        {"playbooks/other.yaml": other, "playbooks/tried.yaml": base}, without=("playbooks/hello.yaml",)
    )
    assert [item.what for item in lint(compiled, TODAY) if item.rule == "same-moment"] == [
        '"other" sends something at the same moment, with the same priority'
    ]


def test_many_playbooks_at_one_moment_are_one_finding_each(judge: Any) -> None:
    base = head(trigger=STAGE, anchor="signup", exit=ENDS, steps="") + MAIL
    files = {f"playbooks/b{n}.yaml": base.replace("playbook: tried", f"playbook: b{n}") for n in range(5)}
    found = lint(judge.compiled(files, without=("playbooks/hello.yaml",)), TODAY)
    assert [item.what.partition(" something")[0] for item in found if item.rule == "same-moment"] == [
        '"b0" sends',
        '"b0" and "b1" send',
        '"b0", "b1" and "b2" send',
        '"b0", "b1", "b2" and 1 more send',
    ]


def test_a_survey_whose_answer_is_the_goal_is_not_skipped_by_it(judge: Any) -> None:
    ask = "  - { id: ask, day: 14, survey: { kind: nps, to: champion } }\n"
    assert rules(judge, head(trigger=STAGE, goal="nps.score is defined", exit=ENDS, steps="") + ask) == []
    assert rules(judge, head(trigger=STAGE, goal="access.given", exit=ENDS, steps="") + ask) == ["skips-survey"]


def test_who_comes_back_is_not_asked_why_they_left(judge: Any) -> None:
    ask = "  - { id: ask, survey: { kind: exit, to: champion, template: nps } }\n"
    back = head(trigger="{ stage: churned }", exit="customer.stage not in ['churned', 'win_back']", steps="") + ask
    assert rules(judge, back) == []
    assert rules(judge, back.replace("not in ['churned', 'win_back']", "!= 'churned'")) == ["skips-survey"]


def test_notice_counts_only_for_tiers_that_may_enter(judge: Any) -> None:
    mail = MAIL.replace("day: 1", "day: -40")
    late = head(trigger="{ date: contract.ends_on, before: 90 days }", exit=ENDS, steps="") + mail
    assert rules(judge, late) == ["notice"]
    assert rules(judge, late + "entry: customer.tier == 'team'\n") == []
    assert rules(judge, late.replace("-40", "-90")) == []


@pytest.mark.parametrize(
    ("entry", "days", "tier"),
    [("customer.tier == 'team'", 29, "team"), ("customer.tier == 'pro'", 59, "pro"), ("true", 89, "enterprise")],
)
def test_a_renewal_beside_what_ships_must_speak_before_the_notice_of_its_tiers(
    tmp_path: Path, entry: str, days: int, tier: str
) -> None:
    root = Path(__file__).parents[2]
    shutil.copytree(root / "playbooks", tmp_path / "playbooks")
    trigger = "{ date: contract.ends_on, before: 100 days }"
    step = f"  - {{ id: offer, day: -{days}, email: {{ to: champion, template: onboarding/welcome }} }}\n"
    text = head(trigger=trigger, entry=entry, exit=ENDS, priority="99", steps="") + step
    (tmp_path / "playbooks/tried.yaml").write_text(text)
    compiled = compile_folder(tmp_path / "playbooks", root / "templates")
    assert not compiled.diagnostics, render_text(compiled.diagnostics)
    found = [item.what for item in lint(compiled, TODAY) if item.rule == "notice"]
    assert found == [f'the customer first hears {days} days before the end, "{tier}" has {days + 1} days of notice']


def test_a_wait_that_something_follows_is_of_use(judge: Any) -> None:
    wait = "  - { id: used, wait: { event: feature.used, by: day 5 } }\n"
    after = "  - { id: look, after: { step: used }, slack: { to: csm, template: look } }\n"
    assert rules(judge, head(trigger=STAGE, steps="") + wait + after) == []


ASK = "{ id: ask, WHEN, survey: { kind: nps, to: champion } }"
WAIT = "{ id: answer, wait: { event: nps.answered, by: BY }, NEEDS, otherwise: [{ id: l, slack: LOOK }] }"
UNTIL = "{ until: nps.score is defined"
SLACK = "{ to: csm, template: look }"


def asking(when: str, by: str, needs: str = "") -> str:
    wait = WAIT.replace("BY", by).replace(" NEEDS,", f" {needs}," if needs else "").replace("LOOK", SLACK)
    hello = f"  - {{ id: hello, day: 3, slack: {SLACK} }}\n"
    ask = ASK.replace(" WHEN,", f" {when}," if when else "")
    return head(trigger=STAGE, exit=ENDS, steps="") + f"  - {wait}\n{hello}  - {ask}\n"


@pytest.mark.parametrize(
    ("when", "by"),
    [
        ("day: 14", "7 days"),
        ("day: 14", "2 weeks"),
        ("day: 4", "3 business days"),
        ("after: { step: hello }", "7 days"),
        ("after: { step: hello, delay: 1 day }", "7 days"),
        ("needs: [hello]", "7 days"),
    ],
)
def test_a_wait_that_may_be_over_before_its_survey_is_out_should_need_it(judge: Any, when: str, by: str) -> None:
    ((rule, what),) = warned(judge, asking(when, by))
    assert rule == "early-wait"
    assert what == f'"answer" opens at once, and its {by} may end before "ask" is answered'
    assert rules(judge, asking(when, by).replace("{ event: nps.answered", UNTIL)) == ["early-wait"]
    assert rules(judge, asking(when, by, "needs: [ask]")) == []


@pytest.mark.parametrize(
    ("when", "by"),
    [
        ("day: 14", "day 21"),
        ("day: 14", "3 weeks"),
        ("day: 0", "7 days"),
        ("day: 2", "30 business hours"),
        ("", "7 days"),
    ],
)
def test_a_wait_that_lasts_until_its_survey_was_out_is_left_alone(judge: Any, when: str, by: str) -> None:
    assert rules(judge, asking(when, by)) == []


def test_a_wait_for_the_answer_to_another_survey_is_left_alone(judge: Any) -> None:
    assert rules(judge, asking("day: 14", "7 days").replace("nps.answered", "csat.answered")) == []


def test_a_wait_in_a_branch_counts_from_there(judge: Any) -> None:
    used = "  - id: used\n    wait: { event: feature.used, by: day 9 }\n    then:\n"
    inner = WAIT.replace("BY", "7 days").replace(" NEEDS,", "").replace("LOOK", SLACK)
    ask = ASK.replace("WHEN, ", "")
    base = head(trigger=STAGE, exit=ENDS, steps="")
    assert rules(judge, f"{base}{used}      - {ask}\n      - {inner}\n") == []
    assert rules(judge, f"{base}{used}      - {inner}\n  - {ASK.replace('WHEN', 'day: 14')}\n") == []
    later = "after: { step: used, delay: 9 days }"
    assert rules(judge, f"{base}{used}      - {inner}\n  - {ASK.replace('WHEN', later)}\n") == ["early-wait"]
    needing = used.replace("wait:", "needs: [ask]\n    wait:")
    assert rules(judge, f"{base}{needing}      - {inner}\n  - {ASK.replace('WHEN', 'day: 2')}\n") == []


def test_no_holiday_is_known_beyond_the_years_of_the_file(judge: Any) -> None:
    text = head(trigger=STAGE, timing="{ weekend: same_day }", exit=ENDS, steps="") + MAIL
    assert [rule for rule, _what in warned(judge, text)] == ["holiday"]
    assert warned(judge, text, date(2027, 1, 1)) == []


def test_a_step_at_once_is_at_midnight_only_where_the_play_starts_by_date(judge: Any) -> None:
    at_once = LOOK.replace("day: 1, ", "")
    assert rules(judge, head(trigger=STAGE, steps="") + at_once) == []
    assert rules(judge, head(trigger=f"[{STAGE}, {{ every: 1 month }}]", steps="") + at_once) == []
    assert rules(judge, head(trigger="{ every: 1 month }", steps="") + at_once) == ["at-midnight"]


def test_a_time_that_nobody_wrote_is_pointed_at_where_it_belongs(judge: Any) -> None:
    file = (STANDARD / "lifecycle.yaml").read_text(encoding="utf-8").replace("20:00-08:00", "20:00-10:00")
    text = head(trigger=STAGE, exit=ENDS, steps="") + MAIL
    compiled = judge.compiled({"playbooks/tried.yaml": text, "playbooks/lifecycle.yaml": file})
    assert [
        (item.rule, item.place.line, item.fix)
        for item in lint(compiled, TODAY)
        if item.place.file == "playbooks/tried.yaml"
    ] == [("quiet-hours", 1, 'write a time such as "10:00".')]


def test_an_invitation_needs_no_way_out_and_is_no_moment_of_its_own(judge: Any) -> None:
    meet = (
        "  - { id: meet, day: 1, invite: { to: champion, template: kickoff,"
        ' when: "day 2 between 10:00 and 12:00", length: 30 minutes } }\n'
    )
    assert rules(judge, head(trigger=STAGE, exit=ENDS, steps="") + meet) == []


def test_one_playbook_does_not_meet_itself(judge: Any) -> None:
    twice = MAIL + MAIL.replace("welcome,", "again,")
    assert rules(judge, head(trigger=STAGE, exit=ENDS, steps="") + twice) == []


def test_mails_of_customers_who_left_need_no_exit(judge: Any) -> None:
    assert rules(judge, head(trigger="{ stage: churned }", steps="") + MAIL) == []
    assert rules(judge, head(trigger=STAGE, steps="") + MAIL.replace("day: 1, ", "")) == []


# --- what can never happen --------------------------------------------------------------------------------------------

NOBODY = [
    ("{ leaving_stage: onboarding }", "entry: customer.stage == 'onboarding'", 'the stage "onboarding" ends'),
    ("{ band: red }", "entry: customer.band == 'green'", 'the band becomes "red"'),
    ("{ leaving_band: green }", "entry: customer.band == 'green'", 'the band is no longer "green"'),
    ("{ when: usage.dau_wau < 0.5 }", "entry: usage.dau_wau > 0.5", "usage.dau_wau < 0.5 becomes true"),
    ("by_hand", "entry: 1 > 2", "it starts"),
    ("{ stage: onboarding }", "goal: true", '"goal" is met'),
]


@pytest.mark.parametrize(("trigger", "key", "words"), NOBODY, ids=[f"{n}" for n in range(len(NOBODY))])
def test_a_play_that_nobody_enters_is_an_error(judge: Any, trigger: str, key: str, words: str) -> None:
    found = judge.playbook(f"{HEAD}trigger: {trigger}\n{key}\nsteps:\n{LOOK}")
    assert [item.rule for item in found] == ["nobody-enters"]
    assert words in found[0].what


SOMEBODY = [
    ("{ stage: onboarding }", "entry: customer.stage != 'adoption'"),
    ("{ stage: onboarding }", "exit: customer.stage == 'churned' or usage.dau_wau > 3"),
    ("{ when: usage.dau_wau < 0.5 }", "exit: usage.dau_wau > 0.8"),
    ("{ event: nps.answered, where: nps.score <= 6 }", "entry: usage.dau_wau is undefined"),
    ("{ leaving_stage: onboarding }", "exit: customer.stage != 'new'"),
    ("by_hand", "exit: usage.dau_wau > 0.8"),
]


@pytest.mark.parametrize(("trigger", "key"), SOMEBODY, ids=[f"{n}" for n in range(len(SOMEBODY))])
def test_a_play_that_somebody_may_enter_is_left_alone(judge: Any, trigger: str, key: str) -> None:
    assert judge.playbook(f"{HEAD}trigger: {trigger}\n{key}\nsteps:\n{LOOK}") == ()


def test_a_day_before_the_start_is_reached_where_it_is_caught_up(judge: Any) -> None:
    early = LOOK.replace("day: 1", "day: -1")
    assert judge.rules(f"{HEAD}trigger: {STAGE}\nsteps:\n{early}") == ["unreachable-step"]
    assert judge.rules(f"{HEAD}trigger: {STAGE}\nsteps:\n{early.replace('day: -1', 'day: -1, catch_up: yes')}") == []


def test_a_step_of_a_branch_is_reached_unless_its_day_is_over(judge: Any) -> None:
    wait = "  - id: used\n    wait: { event: feature.used, by: BY }\n    BRANCH:\n"
    text = f"{HEAD}trigger: {STAGE}\nsteps:\n{wait}    {LOOK.replace('day: 1', 'day: 4')}"
    assert judge.rules(text.replace("BY", "day 5").replace("BRANCH", "otherwise")) == ["unreachable-step"]
    assert judge.rules(text.replace("BY", "day 4").replace("BRANCH", "otherwise")) == []
    assert judge.rules(text.replace("BY", "5 days").replace("BRANCH", "otherwise")) == []
    assert judge.rules(text.replace("BY", "day 5").replace("BRANCH", "then")) == []
