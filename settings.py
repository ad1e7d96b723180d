"""The only reader of the environment: names beginning with `STAGEPLAY_`, and Temporal's own `TEMPORAL_` ones.

A value comes from, first found: the environment; the settings file (`stageplay.env`, or the one that
`STAGEPLAY_SETTINGS_FILE` names); `secrets.env` in `STAGEPLAY_VAR_DIR`, which the embedded mode wrote; the default. All
that is wrong is reported in one go, like a playbook error; a secret is never shown. A new setting also needs a row in
`docs/settings.md`.
"""

import base64
import difflib
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

import setting_values
from setting_values import EMPTY, Url, setting

if TYPE_CHECKING:
    from temporalio.envconfig import ClientConnectConfig

PREFIX = "STAGEPLAY_"
SETTINGS_FILE = "STAGEPLAY_SETTINGS_FILE"
NOT_SETTINGS = frozenset({SETTINGS_FILE, "STAGEPLAY_TEST_DATABASE_URL"})
"""Names with our prefix that are read elsewhere: where the settings are, and which PostgreSQL the tests may use."""
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Problem:
    """One wrong setting. `what`, `why`, `fix` are sentences without a name in front; `place` is `file:line` or
    `environment`.
    """

    place: str
    setting: str
    what: str
    why: str
    fix: str

    def text(self) -> str:
        """The problem as the CLI prints it, four lines."""
        return (
            f"{self.place}: error: {self.setting}: {self.what}  [setting]\n"
            f"  why: {self.why}\n  fix: {self.fix}\n  see: docs/settings.md#{self.setting.lower()}"
        )


class SettingsError(Exception):
    """The settings cannot be used; the operator must change them. Exit code 2."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n\n".join(problem.text() for problem in problems))


class Settings(BaseModel):
    """All settings, checked. Lengths of time are seconds; addresses have no trailing slash."""

    model_config = ConfigDict(frozen=True)

    database_url: Annotated[str, AfterValidator(setting_values.database)] = setting(
        "",
        "the address of a SQLite or PostgreSQL database",
        why="customers, inbox, ledger and outbox are kept there; empty means stageplay.db in STAGEPLAY_VAR_DIR.",
        fix="write sqlite:///var/stageplay.db or postgresql://user@host/name.",
        repr=False,
    )
    var_dir: Path = setting(
        Path("var"), "a folder", why="databases, logs and made secrets lie there.", fix="write the path of a folder."
    )
    public_url: Url = setting(
        "http://127.0.0.1:8700",
        "a web address",
        why="links in mails and cards begin with it.",
        fix="write https://host, as customers reach the gateway.",
    )
    host: str = setting(
        "127.0.0.1",
        "an address to listen on",
        why="the gateway listens on it; anything but loopback is reachable by others.",
        fix="write 127.0.0.1, or 0.0.0.0 in a container.",
    )
    port: int = setting(
        8700,
        "a port number",
        why="the gateway listens on it.",
        fix="write a whole number from 1 to 65535, for example 8700.",
        ge=1,
        le=65535,
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(setting_values.signing_keys)] = setting(
        EMPTY,
        "one or several signing keys",
        why="whoever posts to /v1/events signs with it; several, separated by commas, while you rotate.",
        fix="write whsec_ followed by 24 to 64 random bytes in base64.",
    )
    link_secret: Annotated[SecretStr, AfterValidator(setting_values.long)] = setting(
        EMPTY,
        "a secret of at least 32 characters",
        why="survey and unsubscribe links, sign-in tokens and the ids that providers see are keyed with it.",
        fix="write 32 random characters or more, and keep it: links already sent depend on it.",
    )
    dashboard_token: SecretStr = setting(
        EMPTY,
        "a token",
        why="it signs one person in to the dashboard, once.",
        fix="leave it out: one is made at start.",
    )
    temporal_ui: str = setting(
        "", "a web address", why="the dashboard links to it.", fix="write http://127.0.0.1:8233, or leave it out."
    )
    email_transport: Literal["outbox", "sendgrid"] = setting(
        "outbox",
        "a way to send email",
        why="outbox keeps and shows every mail and sends nothing; sendgrid sends.",
        fix="write outbox or sendgrid.",
    )
    slack_transport: Literal["outbox", "slack"] = setting(
        "outbox",
        "a way to reach Slack",
        why="outbox keeps and shows every card and posts nothing; slack posts.",
        fix="write outbox or slack.",
    )
    rehearsal_to: Annotated[str, AfterValidator(setting_values.address_or_none)] = setting(
        "",
        "an email address",
        why="one person gets all that a rehearsal sends; without one it stays in the outbox.",
        fix="write me@example.com, or leave it out.",
    )
    sendgrid_api_key: SecretStr = setting(
        EMPTY, "a key", why="the sendgrid transport signs in with it.", fix="write the key that SendGrid gave you."
    )
    sendgrid_base_url: Url = setting(
        "https://api.sendgrid.com",
        "a web address",
        why="the sendgrid transport talks to it.",
        fix="write https://api.sendgrid.com, or https://api.eu.sendgrid.com for a European account.",
    )
    sendgrid_event_public_key: str = setting(
        "",
        "a public key",
        why="SendGrid's reports are checked with it.",
        fix="write the event webhook's verification key.",
    )
    slack_bot_token: SecretStr = setting(
        EMPTY,
        "a token",
        why="the slack transport posts with it.",
        fix="write the bot token of your Slack app, xoxb-...",
    )
    slack_signing_secret: SecretStr = setting(
        EMPTY, "a secret", why="presses of buttons are checked with it.", fix="write your Slack app's signing secret."
    )
    slack_base_url: Url = setting(
        "https://slack.com/api", "a web address", why="the slack transport talks to it.", fix="leave it out."
    )
    from_email: Annotated[str, AfterValidator(setting_values.address)] = setting(
        "success@stageplay.example.com",
        "an email address",
        why="mails come from it; the sender's own name and Reply-To are shown beside it.",
        fix="write an address on a domain that SendGrid has verified for you.",
    )
    company_name: str = setting(
        "Stageplay", "a name", why="mails and pages are signed with it.", fix="write your company's name.", min_length=1
    )
    company_address: str = setting(
        "1 Example Street, 10115 Berlin, Germany",
        "a postal address",
        why="the law wants it in the footer of every mail.",
        fix="write street, town and country in one line.",
        min_length=1,
    )
    help_url: Url = setting(
        "https://help.stageplay.example.com", "a web address", why="mails point to it.", fix="write https://..."
    )
    playbooks_dir: Path = setting(
        HERE / "playbooks", "a folder", why="playbooks are compiled from it.", fix="write the path of a folder."
    )
    templates_dir: Path = setting(
        HERE / "templates", "a folder", why="templates are compiled from it.", fix="write the path of a folder."
    )
    provider_timeout: float = setting(
        10.0,
        "a number of seconds",
        why="a call to SendGrid or Slack is given up after it, and its outcome counts as unknown.",
        fix="write a number from 1 to 60.",
        ge=1,
        le=60,
    )
    webhooks: Annotated[str, AfterValidator(setting_values.endpoints)] = setting(
        "",
        "a list of name=address",
        why="steps tell these systems what happened; what goes to others stays in the outbox.",
        fix="write name=https://host/path, several separated by spaces.",
    )
    log_format: Literal["text", "json"] = setting(
        "text", "a log format", why="text is for people, json for collectors.", fix="write text or json."
    )

    @model_validator(mode="after")
    def _beside_var(self) -> Self:
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.var_dir}/stageplay.db")
        return self

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The signing keys, the one to sign with first."""
        keys = (key.strip() for key in self.webhook_secret.get_secret_value().split(","))
        return tuple(key for key in keys if key)

    @property
    def endpoints(self) -> tuple[tuple[str, str], ...]:
        """Where webhooks go: name and address."""
        pairs = (entry.partition("=") for entry in self.webhooks.split())
        return tuple((name, url) for name, _, url in pairs)

    @property
    def secrets_file(self) -> Path:
        """Where the embedded mode keeps the secrets that it made."""
        return self.var_dir / "secrets.env"

    @property
    def ports_file(self) -> Path:
        """Where the embedded mode keeps the ports that it took, for its next start and for other commands."""
        return self.var_dir / "ports.json"


def name_of(field: str) -> str:
    """The environment's name of a field."""
    return PREFIX + field.upper()


def load(environ: Mapping[str, str] = os.environ, *, needs: tuple[str, ...] = ()) -> Settings:
    """Read and check all settings.

    Args:
        environ: the process's environment.
        needs: fields that must not be empty for what is about to run.

    Raises:
        SettingsError: with everything that is wrong, sorted by name.
    """
    file = _settings_file(environ)
    written = {key: value or "" for key, value in dotenv_values(file).items()} if file else {}
    given = {**written, **{key: value for key, value in environ.items() if key.startswith(PREFIX) and value}}
    var = Path(given.get(name_of("var_dir"), "var"))
    made = {key: value or "" for key, value in dotenv_values(var / "secrets.env").items()}
    values = {**made, **given}
    problems = [_unknown(name, file, environ) for name in sorted(set(values) - _known())]
    try:
        settings = Settings.model_validate(_fields(values))
    except ValidationError as error:
        problems += [_wrong(detail, file, environ) for detail in error.errors()]
    else:
        problems += _missing(settings, needs)
    if problems:
        raise SettingsError(tuple(sorted(problems, key=lambda problem: problem.setting)))
    return settings


def with_secrets(environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings; make the secrets that are missing once, in a file that only its owner can read.

    Raises:
        SettingsError: as `load`.
    """
    settings = load(environ)
    fresh = {
        "webhook_secret": "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "link_secret": secrets.token_hex(32),
    }
    lines = [f"{name_of(field)}={value}\n" for field, value in fresh.items() if not _filled(settings, field)]
    if lines:
        settings.var_dir.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(settings.secrets_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w") as file:
            file.writelines(lines)
    return load(environ, needs=("webhook_secret", "link_secret"))


def temporal(environ: Mapping[str, str] = os.environ) -> "ClientConnectConfig":
    """How to reach Temporal, as its own tools read it: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS, API key, or its file.

    Where none of them names an address and the database is the embedded one, its Temporal is the one that runs with it.

    Raises:
        SettingsError: Temporal's configuration, or ours, cannot be read.
    """
    from temporalio.envconfig import ClientConfig  # noqa: PLC0415 - most commands never talk to Temporal

    try:
        config = ClientConfig.load_client_connect_config(override_env_vars=dict(environ))
    except RuntimeError as error:
        why = "Temporal's own environment and file say where its server is."
        fix = "correct the TEMPORAL_ names, or the file that TEMPORAL_CONFIG_FILE names."
        raise SettingsError((Problem("environment", "TEMPORAL", str(error), why, fix),)) from error
    if "target_host" not in config:
        config["target_host"] = f"127.0.0.1:{_embedded_port(load(environ))}"
    return config


def _embedded_port(settings: Settings) -> int:
    """The port of the Temporal that `up` starts beside its database: another one may listen at the usual port."""
    if "database_url" in settings.model_fields_set or not settings.ports_file.is_file():
        return 7233
    return int(json.loads(settings.ports_file.read_text())["temporal"])


def for_children(changes: Mapping[str, str], environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a process that the embedded mode starts: ours, without another Temporal's, plus `changes`."""
    ours = {key: value for key, value in environ.items() if not key.startswith("TEMPORAL_")}
    path = os.pathsep.join(filter(None, (str(HERE), ours.get("PYTHONPATH"))))
    return {**ours, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1", **changes}


def set_here(changes: Mapping[str, str]) -> None:
    """Change settings of this process and of those that it starts. `changes`: field to value; empty is the default."""
    os.environ.update({name_of(field): value for field, value in changes.items()})


def _settings_file(environ: Mapping[str, str]) -> Path | None:
    named = environ.get(SETTINGS_FILE)
    file = Path(named or "stageplay.env")
    if file.is_file():
        return file
    if named:
        why, fix = "settings are read from it besides the environment.", "write the path of a file that exists."
        raise SettingsError((Problem("environment", SETTINGS_FILE, f'there is no file "{named}"', why, fix),))
    return None


def _known() -> set[str]:
    return {name_of(field) for field in Settings.model_fields} | NOT_SETTINGS


def _fields(values: Mapping[str, str]) -> dict[str, str]:
    return {field: values[name_of(field)] for field in Settings.model_fields if values.get(name_of(field), "").strip()}


def _filled(settings: Settings, field: str) -> bool:
    value = getattr(settings, field)
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def _place(name: str, file: Path | None, environ: Mapping[str, str]) -> str:
    if name in environ or file is None:
        return "environment"
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line.removeprefix("export ").split("=")[0].strip() == name:
            return f"{file}:{number}"
    return str(file)


def _unknown(name: str, file: Path | None, environ: Mapping[str, str]) -> Problem:
    near = difflib.get_close_matches(name, sorted(_known()), n=1)
    fix = f"did you mean {near[0]}?" if near else "remove it; docs/settings.md lists all settings."
    return Problem(
        _place(name, file, environ), name, "there is no such setting", "a misspelt name changes nothing.", fix
    )


def _wrong(detail: ErrorDetails, file: Path | None, environ: Mapping[str, str]) -> Problem:
    field = str(detail["loc"][0])
    info = Settings.model_fields[field]
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    hidden = info.annotation is SecretStr or not info.repr  # an address of a database may hold a password
    given = "the value (not shown)" if hidden else f'"{detail["input"]}"'
    name = name_of(field)
    what = f"{given} is not {extra['noun']}"
    return Problem(_place(name, file, environ), name, what, str(info.description), str(extra["fix"]))


def _missing(settings: Settings, needs: tuple[str, ...]) -> list[Problem]:
    wanted = dict.fromkeys(needs, "this command needs it")
    if settings.email_transport == "sendgrid":
        wanted["sendgrid_api_key"] = f"{name_of('email_transport')} is sendgrid"
    if settings.slack_transport == "slack":
        for field in ("slack_bot_token", "slack_signing_secret"):
            wanted[field] = f"{name_of('slack_transport')} is slack"
    problems = []
    for field, reason in wanted.items():
        if not _filled(settings, field):
            info = Settings.model_fields[field]
            fix = str(info.json_schema_extra["fix"]) if isinstance(info.json_schema_extra, dict) else ""
            what = f"is not set, and {reason}"
            problems.append(Problem("environment", name_of(field), what, str(info.description), fix))
    return problems
