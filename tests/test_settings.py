"""What operators may rely on in `settings.py`: everything wrong in one run, nothing secret shown."""

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

import settings
from settings import SettingsError

KEY = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="


def problems(environ: Mapping[str, str], *needs: str) -> tuple[settings.Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        settings.load(environ, needs=needs)
    return caught.value.problems


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_nothing_needs_to_be_set() -> None:
    found = settings.load({})

    assert found.database_url == "sqlite:///var/stageplay.db"
    assert found.public_url == "http://127.0.0.1:8700"
    assert (found.email_transport, found.slack_transport) == ("outbox", "outbox")
    assert found.webhook_secrets == ()


def test_the_database_lies_in_the_var_folder_unless_named() -> None:
    assert settings.load({"STAGEPLAY_VAR_DIR": "/srv/x"}).database_url == "sqlite:////srv/x/stageplay.db"
    assert settings.load({"STAGEPLAY_DATABASE_URL": "postgresql://db/cs"}).database_url == "postgresql://db/cs"


def test_several_signing_keys_are_kept_in_their_order() -> None:
    second = KEY.replace("QUJD", "REVG")

    assert settings.load({"STAGEPLAY_WEBHOOK_SECRET": f"{KEY}, {second}"}).webhook_secrets == (KEY, second)


def test_the_environment_wins_over_the_file_and_an_empty_name_counts_as_absent() -> None:
    Path("stageplay.env").write_text("STAGEPLAY_PORT=9001\nSTAGEPLAY_HOST=0.0.0.0\nSTAGEPLAY_COMPANY_NAME=\n")

    found = settings.load({"STAGEPLAY_PORT": "9002", "STAGEPLAY_HOST": ""})

    assert (found.port, found.host, found.company_name) == (9002, "0.0.0.0", "Stageplay")


def test_another_file_can_be_named_and_must_then_exist() -> None:
    Path("other.env").write_text("STAGEPLAY_PORT=9001\n")

    assert settings.load({"STAGEPLAY_SETTINGS_FILE": "other.env"}).port == 9001
    assert [p.what for p in problems({"STAGEPLAY_SETTINGS_FILE": "none.env"})] == ['there is no file "none.env"']


def test_everything_wrong_is_reported_in_one_run() -> None:
    found = problems(
        {
            "STAGEPLAY_PORT": "87oo",
            "STAGEPLAY_PUBLIC_URL": "here",
            "STAGEPLAY_EMAIL_TRANSPORT": "sengrid",
            "STAGEPLAY_PROVIDER_TIMEOUT": "0",
            "STAGEPLAY_FROM_EMAIL": "nobody",
            "STAGEPLAY_DATABASE_URL": "mysql://x",
            "STAGEPLAY_WEBHOOK_SECRET": "hunter2",
            "STAGEPLAY_LINK_SECRET": "short",
        }
    )

    assert [p.setting.removeprefix("STAGEPLAY_").lower() for p in found] == [
        "database_url",
        "email_transport",
        "from_email",
        "link_secret",
        "port",
        "provider_timeout",
        "public_url",
        "webhook_secret",
    ]


def test_a_problem_reads_like_a_playbook_error() -> None:
    (problem,) = problems({"STAGEPLAY_PORT": "87oo"})

    assert problem.text() == (
        'environment: error: STAGEPLAY_PORT: "87oo" is not a port number  [setting]\n'
        "  why: the gateway listens on it.\n"
        "  fix: write a whole number from 1 to 65535, for example 8700.\n"
        "  see: docs/settings.md#stageplay_port"
    )


def test_a_problem_in_the_file_names_its_line() -> None:
    Path("stageplay.env").write_text("# ours\nSTAGEPLAY_HOST=127.0.0.1\nexport STAGEPLAY_PORT=70000\n")

    assert [p.place for p in problems({})] == ["stageplay.env:3"]


def test_a_misspelt_name_is_answered_with_the_near_one() -> None:
    (problem,) = problems({"STAGEPLAY_PUBLIC_ULR": "https://x.example.com"})

    assert problem.fix == "did you mean STAGEPLAY_PUBLIC_URL?"


@pytest.mark.parametrize("name", ["STAGEPLAY_WEBHOOK_SECRET", "STAGEPLAY_LINK_SECRET", "STAGEPLAY_DATABASE_URL"])
def test_a_wrong_secret_is_never_shown(name: str) -> None:
    (problem,) = problems({name: "mysql-hunter2"})

    assert "hunter2" not in problem.text()


def test_secrets_are_not_in_what_is_printed_of_the_settings() -> None:
    found = settings.load(
        {
            "STAGEPLAY_WEBHOOK_SECRET": KEY,
            "STAGEPLAY_LINK_SECRET": "s" * 32,
            "STAGEPLAY_SENDGRID_API_KEY": "SG.hunter2",
            "STAGEPLAY_SLACK_BOT_TOKEN": "xoxb-hunter2",
            "STAGEPLAY_DATABASE_URL": "postgresql://us:hunter2@db/cs",
        }
    )

    assert not [word for word in (KEY, "s" * 32, "hunter2") if word in f"{found!r} {found}"]


def test_a_real_transport_without_its_secrets_is_an_error() -> None:
    found = problems({"STAGEPLAY_EMAIL_TRANSPORT": "sendgrid", "STAGEPLAY_SLACK_TRANSPORT": "slack"})

    assert [p.setting for p in found] == [
        "STAGEPLAY_SENDGRID_API_KEY",
        "STAGEPLAY_SLACK_BOT_TOKEN",
        "STAGEPLAY_SLACK_SIGNING_SECRET",
    ]


def test_a_command_says_which_setting_it_needs() -> None:
    (problem,) = problems({}, "link_secret")

    assert problem.what == "is not set, and this command needs it"


def test_the_embedded_mode_makes_missing_secrets_once_for_its_owner_only() -> None:
    first = settings.with_secrets({})
    again = settings.with_secrets({})

    assert first == again
    assert first.webhook_secrets[0].startswith("whsec_")
    assert stat.S_IMODE(first.secrets_file.stat().st_mode) == 0o600
    assert len(first.secrets_file.read_text().splitlines()) == 2


def test_a_secret_that_is_set_is_not_made() -> None:
    found = settings.with_secrets({"STAGEPLAY_WEBHOOK_SECRET": KEY})

    assert found.webhook_secrets == (KEY,)
    assert "WEBHOOK" not in found.secrets_file.read_text()


def test_temporal_is_found_as_its_own_tools_find_it() -> None:
    found = settings.temporal({"TEMPORAL_ADDRESS": "t.example.com:7233", "TEMPORAL_NAMESPACE": "cs"})

    assert (found["target_host"], found["namespace"]) == ("t.example.com:7233", "cs")
    assert settings.temporal({"HOME": "."})["target_host"] == "127.0.0.1:7233"


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({}, "127.0.0.1:54473"),
        ({"TEMPORAL_ADDRESS": "t.example.com:7233"}, "t.example.com:7233"),
        ({"STAGEPLAY_DATABASE_URL": "postgresql://db.example.com/stageplay"}, "127.0.0.1:7233"),
    ],
)
def test_the_embedded_database_goes_with_the_temporal_beside_it(given: dict[str, str], address: str) -> None:
    Path("var").mkdir()
    Path("var/ports.json").write_text('{"temporal": 54473, "ui": 45871, "gateway": 49295}')

    assert settings.temporal({"HOME": ".", **given})["target_host"] == address


def test_a_temporal_configuration_that_cannot_be_read_is_a_problem_too() -> None:
    Path("t.toml").write_text("this is not toml")

    with pytest.raises(SettingsError, match="TEMPORAL_CONFIG_FILE"):
        settings.temporal({"TEMPORAL_CONFIG_FILE": "t.toml"})


def test_every_setting_is_documented_with_its_name() -> None:
    page = (settings.HERE / "docs" / "settings.md").read_text()

    assert not [name for name in map(settings.name_of, settings.Settings.model_fields) if f"`{name}`" not in page]
