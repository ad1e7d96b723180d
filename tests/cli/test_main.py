"""Arguments in, exit codes out: 0 fine, 1 findings, 2 misuse, 3 our fault."""

import json
import shutil
from pathlib import Path

import pytest

import settings
from cli.main import run

PLAYBOOK = settings.HERE / "playbooks" / "onboarding-14-day.yaml"
START = ("--start", "2026-03-02T10:00")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def customer(tmp_path: Path) -> str:
    file = tmp_path / "customer.yaml"
    file.write_text("name: Acme\ntier: pro\nzone: Europe/Berlin\nchampion: ada@acme.example.com\n")
    return str(file)


def test_what_ships_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate"]) == 0
    read, texts = (settings.HERE / name for name in ("playbooks", "templates"))
    assert capsys.readouterr().out == f"nothing is wrong in {read}, with the texts of {texts}\n"


def test_that_nothing_is_wrong_is_said_with_what_was_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("playbooks", "templates"):
        shutil.copytree(settings.HERE / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)

    assert run(["validate", "playbooks/check-ins.yaml", "playbooks/ease.yaml"]) == 0
    looked_at = f"playbooks/check-ins.yaml, playbooks/ease.yaml, with the texts of {settings.HERE / 'templates'}"
    assert capsys.readouterr().out == f"nothing is wrong in {looked_at}\n", "not with those that lie beside them"


def test_validate_reports_every_mistake_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(PLAYBOOK.parent, tmp_path / "playbooks")
    file = tmp_path / "playbooks" / PLAYBOOK.name
    text = file.read_text().replace("day: 1\n", "day: one\n", 1).replace("onboarding/welcome", "onboarding/welcom", 1)
    file.write_text(text)

    assert run(["validate", str(file), "--format", "json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert len(found) >= 2
    assert run(["validate", str(tmp_path / "playbooks" / "onboarding-emails.yaml")]) == 0


def test_what_is_wrong_in_the_texts_of_a_playbook_is_about_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("playbooks", "templates"):
        shutil.copytree(settings.HERE / name, tmp_path / name)
    monkeypatch.setenv("STAGEPLAY_TEMPLATES_DIR", str(tmp_path / "templates"))
    monkeypatch.chdir(tmp_path)
    welcome, footer = (tmp_path / "templates" / name for name in ("email/onboarding/welcome.txt", "footer.txt"))
    welcome.write_text(welcome.read_text().replace("company.name", "company.nam"))
    seats = "playbooks/expansion-seats.yaml"

    assert run(["validate", f"playbooks/{PLAYBOOK.name}"]) == 1
    assert "templates/email/onboarding/welcome.txt:1:37: error" in capsys.readouterr().out
    assert run(["validate", seats]) == 0
    footer.write_text("{{ nobody.knows }}")
    assert run(["validate", seats]) == 1
    found = capsys.readouterr().out
    assert "templates/footer.txt:1:4: error" in found, "every mail has it"
    assert "welcome" not in found


def test_of_no_playbook_it_is_said_that_nothing_is_wrong_while_its_lifecycle_has_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(settings.HERE / "playbooks", tmp_path / "playbooks")
    lifecycle, seats = (tmp_path / "playbooks" / name for name in ("lifecycle.yaml", "expansion-seats.yaml"))
    lifecycle.write_text(f"{lifecycle.read_text()}oddity: 3\n")

    assert run(["validate", str(seats)]) == 1
    assert 'the lifecycle has no key "oddity"' in capsys.readouterr().out
    lifecycle.unlink()
    assert run(["validate", str(seats)]) == 1
    assert "there is no lifecycle file" in capsys.readouterr().out


def test_of_no_playbook_it_is_said_that_nothing_is_wrong_while_another_file_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(settings.HERE / "playbooks", tmp_path / "playbooks")
    checks, broken = (tmp_path / "playbooks" / name for name in ("check-ins.yaml", "onboarding-14-day.yaml"))
    broken.write_text(f"{broken.read_text()}\tday: 3\n")

    assert run(["validate", str(checks)]) == 1
    found = capsys.readouterr().out
    assert "onboarding-14-day.yaml:319:1: error: is not YAML" in found
    assert "1 error found." in found, "the broken playbook is not called unknown besides"


def test_a_finding_names_a_file_that_opens_from_here(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mine" / "books"
    shutil.copytree(PLAYBOOK.parent, folder)
    for name in ("one.yaml", "two.yaml"):
        (folder / name).write_text((folder / PLAYBOOK.name).read_text().replace("playbook: ", "playbook: another-"))
    monkeypatch.chdir(tmp_path)

    def files(command: str, path: str) -> list[str]:
        assert run([command, path, "--format", "json"]) == 1
        return [part for item in json.loads(capsys.readouterr().out) for part in (item["file"], item["related"])]

    for command in ("validate", "test"):
        found = files(command, "mine/books")
        assert "mine/books/two.yaml" in found
        assert any(part.startswith("mine/books/one.yaml:") for part in found)
    assert "mine/books/two.yaml" in files("validate", "mine/books/two.yaml")
    monkeypatch.chdir(folder / "scenarios")
    assert str(folder / "two.yaml") in files("validate", "..") + files("validate", str(folder))


def test_a_path_that_is_not_there_is_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["validate", "nowhere"]) == 2
    assert capsys.readouterr().err == "there is no nowhere\n"


def test_a_file_that_is_no_yaml_is_misuse_and_not_found_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.md").write_text("# Notes\n")
    assert run(["validate", "notes.md"]) == 2
    assert capsys.readouterr().err.startswith("notes.md is no .yaml file")


def test_it_says_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("stageplay 0.")


def test_an_unknown_command_is_misuse() -> None:
    assert run(["bogus"]) == 2


@pytest.mark.parametrize("command", ["up", "worker", "gateway", "migrate", "status", "validate"])
def test_a_wrong_setting_stops_every_command_with_the_same_words(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAGEPLAY_PORT", "87oo")

    assert run([command]) == 2
    assert capsys.readouterr().err.startswith(
        'environment: error: STAGEPLAY_PORT: "87oo" is not a port number  [setting]\n'
    )


@pytest.mark.parametrize("day", ["4 seconds", "0", "-1s", "two"])
def test_a_day_that_is_no_length_is_misuse(day: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--day", day]) == 2
    assert "is not a length" in capsys.readouterr().err


def test_simulate_prints_the_public_trace(customer: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", str(PLAYBOOK), "--customer", customer, *START, "--format", "json"]) == 0
    trace = json.loads(capsys.readouterr().out)
    welcome = next(item for item in trace if item["step"] == "welcome")

    assert welcome | {"release": "", "place": ""} == {
        "at": "2026-03-03T09:00:00+01:00",
        "customer": "simulated",
        "playbook": "onboarding-14-day",
        "release": "",
        "play": 1,
        "step": "welcome",
        "kind": "email",
        "to": "champion",
        "verdict": "fired",
        "reason": "due",
        "place": "",
    }
    assert welcome["place"].startswith("playbooks/onboarding-14-day.yaml:")


def test_simulate_takes_events_and_shows_what_they_change(
    customer: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = tmp_path / "events.yaml"
    events.write_text('- { day: 2, at: "15:00", event: api.connected }\n')

    assert run(["simulate", str(PLAYBOOK), "--customer", customer, *START, "--events", str(events)]) == 0
    assert "met: milestones.technical_setup = yes" in capsys.readouterr().out


def test_simulate_reports_a_customer_file_like_a_playbook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "customer.yaml"
    file.write_text("name: Acme\nzone: Europe/Berln\n")

    assert run(["simulate", str(PLAYBOOK), "--customer", str(file), *START]) == 1
    assert f"{file}:2:7: error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("playbook", "start"),
    [(PLAYBOOK.with_name("team.yaml"), START[1]), (PLAYBOOK, "tomorrow"), (PLAYBOOK, "2026-03-02T10:00Z")],
    ids=["not a playbook", "not a time", "an offset"],
)
def test_simulate_with_arguments_that_say_nothing_is_misuse(customer: str, playbook: Path, start: str) -> None:
    assert run(["simulate", str(playbook), "--customer", customer, "--start", start]) == 2


def test_a_warning_is_told_and_fails_only_when_asked_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(PLAYBOOK.parent, tmp_path / "playbooks")
    facts = tmp_path / "playbooks" / "facts.yaml"
    facts.write_text(facts.read_text().replace("\nfacts:\n", "\nfacts:\n  odd.one: { type: boolean }\n", 1))

    assert run(["validate", str(facts)]) == 0
    assert "[fact-unused]" in capsys.readouterr().out
    assert run(["validate", str(facts), "--strict"]) == 1
    assert run(["validate", str(tmp_path / "playbooks" / "team.yaml"), "--strict"]) == 0


def test_several_files_are_checked_in_one_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(PLAYBOOK.parent, tmp_path / "playbooks")
    files = [tmp_path / "playbooks" / name for name in ("onboarding-14-day.yaml", "nps-detractor.yaml", "team.yaml")]
    for file in files[:2]:
        file.write_text(file.read_text().replace("owner: ", "owner: no_", 1))

    assert run(["validate", *(str(file) for file in files), "--format", "json"]) == 1
    found = {item["file"] for item in json.loads(capsys.readouterr().out)}
    assert found == {"playbooks/onboarding-14-day.yaml", "playbooks/nps-detractor.yaml"}
    assert run(["validate", str(files[2])]) == 0
