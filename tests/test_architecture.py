"""Imports run one way, read from the syntax trees, so that no import has to work for the rule to be checked."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = {
    "lifecycle",
    "authoring",
    "workflows",
    "activities",
    "store",
    "gateway",
    "cli",
    "setting_values",
    "settings",
    "worker",
}
MAY_IMPORT: dict[str, set[str]] = {
    "lifecycle": set(),
    "authoring": {"lifecycle"},
    "workflows": {"lifecycle"},
    "store": {"authoring", "lifecycle"},
    "activities": {"store", "workflows", "authoring", "lifecycle"},
    "gateway": {"activities", "store", "workflows", "authoring", "lifecycle", "settings"},
    "setting_values": set(),
    "settings": {"setting_values"},
    "worker": {"activities", "store", "workflows", "lifecycle", "settings"},
    "cli": OURS - {"cli"},
}


def modules(package: str) -> list[Path]:
    file = ROOT / f"{package}.py"
    return [file] if file.is_file() else sorted((ROOT / package).rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module with its line, imports inside functions included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def offences(package: str, forbidden: set[str]) -> list[str]:
    """`file:line module` for every import whose first name is forbidden."""
    return sorted(
        {
            f"{path.relative_to(ROOT)}:{line} {name.split('.')[0]}"
            for path in modules(package)
            for name, line in imports(path)
            if name.split(".")[0] in forbidden
        }
    )


@pytest.mark.parametrize("package", sorted(OURS))
def test_a_package_imports_only_what_stands_below_it(package: str) -> None:
    assert not offences(package, OURS - MAY_IMPORT[package] - {package})


def test_the_core_imports_the_standard_library_and_python_statemachine_only() -> None:
    allowed = set(sys.stdlib_module_names) | {"lifecycle", "statemachine"}
    found = {name.split(".")[0] for path in modules("lifecycle") for name, _ in imports(path)}

    assert found <= allowed


def test_the_core_reaches_no_clock_no_network_and_no_chance() -> None:
    assert not offences("lifecycle", {"time", "random", "secrets", "uuid", "socket", "asyncio", "os", "pathlib"})


def test_only_authoring_parses_yaml() -> None:
    assert not [line for package in sorted(OURS - {"authoring"}) for line in offences(package, {"ruamel", "yaml"})]


def test_only_the_interface_of_the_workflows_is_imported_but_by_the_worker() -> None:
    reaching_in = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for package in sorted(OURS - {"workflows", "worker"})
        for path in modules(package)
        for name, line in imports(path)
        if name.startswith("workflows.") and not name.startswith("workflows.interface")
    ]

    assert not reaching_in


def test_only_settings_reads_the_environment() -> None:
    readers = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in sorted(OURS - {"settings"})
        for path in modules(package)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    ]

    assert not readers


def test_no_signature_that_temporal_reads_hides_its_types() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{line}"
        for package in ("workflows", "activities")
        for path in modules(package)
        for name, line in imports(path)
        if name == "typing.TYPE_CHECKING"
    ]

    assert not hidden


def test_no_module_of_ours_passes_400_lines_that_say_something() -> None:
    long = [
        str(path.relative_to(ROOT))
        for package in sorted(OURS)
        for path in modules(package)
        if len([line for line in path.read_text().splitlines() if line.strip()]) > 400
    ]

    assert not long
