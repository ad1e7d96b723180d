"""What must hold of the files around the code: locks without host names, an image and a compose file that fit, hooks
that are the Makefile's, changes told to whom they concern."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from ruamel.yaml import YAML

import settings
from cli.commands import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-test.lock")
OURS = ("migrate", "worker", "gateway")
CHANGES = ROOT / "changelog.d"
FRAGMENTS = sorted(set(CHANGES.iterdir()) - {CHANGES / "README.md"})
KINDS = ("author", "operator", "replay", "fixed")


def commands() -> set[str]:
    return set(COMMANDS)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / "docker-compose.yml").read_text())
    return loaded


@pytest.fixture(scope="module")
def dockerfile() -> list[tuple[str, str]]:
    """Instructions in order, continued lines joined, comments gone."""
    joined = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_names_a_host(lock: str) -> None:
    assert "://" not in (ROOT / lock).read_text()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash(lock: str) -> None:
    entries = re.sub(r"\\\n", " ", (ROOT / lock).read_text()).splitlines()
    packages = [entry for entry in entries if entry and not entry.lstrip().startswith("#")]

    assert packages
    assert not [entry.split()[0] for entry in packages if "--hash=sha256:" not in entry]


def test_the_lock_holds_every_dependency_at_a_version_that_it_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {LOCKS[0]: project["project"]["dependencies"]}
    groups[LOCKS[1]] = groups[LOCKS[0]] + project["dependency-groups"]["test"]
    for lock, wanted in groups.items():
        found = dict(re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE))
        for requirement in map(Requirement, wanted):
            name = re.sub(r"[-_.]+", "-", requirement.name).lower()
            assert requirement.specifier.contains(found[name], prereleases=True), f"{requirement} in {lock}"


def test_the_test_lock_agrees_with_the_lock_that_ships() -> None:
    pins = [set(re.findall(r"^([a-z0-9-]+==[^ ;\\]+)", (ROOT / lock).read_text(), re.MULTILINE)) for lock in LOCKS]

    assert pins[0] <= pins[1]


def test_every_image_has_a_pinned_tag(compose: dict[str, Any], dockerfile: list[tuple[str, str]]) -> None:
    images = [service["image"] for service in compose["services"].values()]
    images += [rest.split()[0] for word, rest in dockerfile if word == "FROM"]

    assert not [image for image in images if not re.search(r":\d+\.\d+", image)]


def test_the_compose_file_holds_no_secret(compose: dict[str, Any]) -> None:
    secret = re.compile(r"password|pwd|secret|token|key", re.IGNORECASE)
    for name, service in compose["services"].items():
        for variable, value in service.get("environment", {}).items():
            if secret.search(variable):
                assert str(value).startswith("${"), f"{name}: {variable}"
            fixed = re.sub(r"\$\{[^}]*\}", "", str(value))
            assert not re.search(r"://[^/@]*:[^@]+@", fixed), f"{name}: {variable}"


def test_services_wait_for_services_that_exist(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in services, f"{name} waits for {other}"
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[other], f"{name} waits for the health of {other}"
            if how["condition"] == "service_completed_successfully":
                assert services[other]["restart"] in {"no", "on-failure:5"}, f"{other} must end"


def test_what_runs_for_long_is_watched_and_started_again(compose: dict[str, Any]) -> None:
    for name in ("postgres", "temporal", "worker", "gateway"):
        assert compose["services"][name]["restart"] == "unless-stopped"
        assert compose["services"][name]["healthcheck"]["test"]


def test_nothing_is_published_beyond_this_machine(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", [])]

    assert ports
    assert not [port for port in ports if not port.startswith("127.0.0.1:")]


def test_the_containers_run_commands_that_exist(compose: dict[str, Any]) -> None:
    ran = set()
    for name in OURS:
        for line in compose["services"][name]["command"]:
            for part in line.split("&&"):
                words = shlex.split(part)
                ran.add(words[words.index("stageplay") + 1] if "stageplay" in words else words[0])
    ran.add(compose["services"]["worker"]["healthcheck"]["test"][2])

    assert ran == {"migrate", "apply", "worker", "gateway", "status"}
    assert ran <= commands()


def test_the_containers_get_settings_that_exist(compose: dict[str, Any], dockerfile: list[tuple[str, str]]) -> None:
    given = {name for service in OURS for name in compose["services"][service]["environment"]}
    given |= {word.split("=")[0] for kind, rest in dockerfile if kind == "ENV" for word in rest.split()}
    ours = {name for name in given if name.startswith(settings.PREFIX)}

    assert ours <= {settings.name_of(field) for field in settings.Settings.model_fields}


def test_a_worker_in_a_container_gets_longer_to_stop_than_it_takes(compose: dict[str, Any]) -> None:
    assert int(compose["services"]["worker"]["stop_grace_period"].removesuffix("s")) > 30


def test_the_image_installs_the_lock_with_hashes_and_runs_as_nobody_special(dockerfile: list[tuple[str, str]]) -> None:
    installs = [rest for word, rest in dockerfile if word == "RUN" and "pip install" in rest]
    users = [rest for word, rest in dockerfile if word == "USER"]

    assert "--require-hashes" in installs[0]
    assert all("--no-deps" in rest for rest in installs)
    assert users[-1] not in {"root", "0"}
    assert ("ENTRYPOINT", '["stageplay"]') in dockerfile


def test_the_image_leaves_secrets_and_data_outside() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()

    assert {".git", ".venv", "var", "*.env"} <= set(ignored)


def test_a_commit_is_checked_by_the_commands_of_make_and_fetches_nothing() -> None:
    loaded: dict[str, Any] = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-config.yaml").read_text())
    hooks = [hook for repo in loaded["repos"] for hook in repo["hooks"]]
    targets = dict(re.findall(r"^([a-z]+):(.*(?:\n\t.+)*)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    in_test = set(targets["test"].split())

    assert [repo["repo"] for repo in loaded["repos"]] == ["local"]
    assert [hook["entry"] for hook in hooks] == ["make format", "make lint", "make types", "make playbooks"]
    assert {hook["language"] for hook in hooks} == {"system"}
    assert not any(hook["pass_filenames"] for hook in hooks)
    assert {hook["id"] for hook in hooks} <= targets.keys()
    assert in_test - {hook["id"] for hook in hooks} == {"unit"}
    assert "stageplay validate playbooks/" in targets["playbooks"]


@pytest.mark.parametrize("fragment", FRAGMENTS, ids=lambda path: path.name)
def test_a_changelog_fragment_has_a_known_kind_and_says_something(fragment: Path) -> None:
    assert re.fullmatch(rf"[a-z0-9-]+\.({'|'.join(KINDS)})\.md", fragment.name)
    assert fragment.read_text().strip().endswith(".")
    assert not fragment.read_text().startswith("#"), "the release gives the heading"


@pytest.mark.parametrize("fragment", sorted(CHANGES.glob("*.replay.md")), ids=lambda path: path.name)
def test_a_change_that_touches_running_workflows_names_its_patch_and_a_history(fragment: Path) -> None:
    text = fragment.read_text()
    named = re.findall(r"tests/workflows/histories/[\w.-]+\.json", text)

    assert "patch" in text
    assert named
    assert all((ROOT / path).is_file() for path in named)


def test_the_kinds_of_changelog_fragments_are_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", (CHANGES / "README.md").read_text(), re.MULTILINE)

    assert tuple(explained) == KINDS
