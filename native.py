"""The core as machine code: `python native.py` compiles `lifecycle/` with mypyc into `build/native`.

One source, one meaning: what is compiled is the Python that runs without it, and whoever has no C compiler misses
nothing but speed. `PYTHONPATH=build/native` puts it in front, as the benchmarks do; the tests that hold one against the
other are in `tests/drills/test_native.py`. Nothing lies beside the source, and what was compiled of other sources
refuses to be imported, so an edit is never hidden by code that was compiled before it.

mypyc leaves a class as it is, and slow, where it has a decorator that mypyc does not know or methods that `dataclass`
makes. So each dataclass is told as a plain class first, line for line, so that tracebacks name the same lines; what
`dataclass` makes of it besides its `__init__` is hung on afterwards. That values never change is what the type checker
and the tests of the Python hold.
"""

import argparse
import ast
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORE = "lifecycle"
FOLDER = HERE / "build" / "native"
STAMP = "made-of"
LEFT = ("__init__", "quick", "jsonform", "charts")
"""What stays Python: it makes code itself, reads type hints, or is made by python-statemachine; none of it is hot."""
SETUP = """\
from setuptools import setup
from mypyc.build import mypycify

setup(name="{core}", packages=[], ext_modules=mypycify({names!r}, opt_level="3", group_name="{core}"))
"""
CHECKER = """\
[mypy]
ignore_errors = true
ignore_missing_imports = true
"""
"""The sources have been checked; as plain classes they would look wrong where they are used as dataclasses."""
CURRENT = """

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location("native", Path(__file__).parents[3] / "native.py")
_native = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_native)
if not _native.is_made():
    raise ImportError("the core was compiled of other sources than these; run: python native.py")
"""
"""What the compiled package asks before anything of it is used."""
ALTERED = '''\
"""As the module of this name; a compiled class knows how."""

from dataclasses import replace
from typing import Any


def altered(value: Any, /, **changes: Any) -> Any:
    by = getattr(value, "altered_by", None)
    return replace(value, **changes) if by is None else by(changes)
'''
DATACLASSED = '''\
"""What `dataclass` makes of a class, hung on a compiled one."""

import sys
from dataclasses import field, make_dataclass

NAMES = "__dataclass_fields__", "__dataclass_params__", "__match_args__", "__eq__", "__hash__", "__repr__"


def declared(item):
    name, kind, *default = item
    return (name, kind, *(field(default_factory=it[0]) if isinstance(it, list) else it for it in default))


def dataclassed(made, eq, constants, *fields):
    twin = make_dataclass(made.__name__, map(declared, fields), frozen=True, eq=eq)
    for name in NAMES:
        if name in vars(twin):
            setattr(made, name, vars(twin)[name])
    names = [name for name, *_ in fields]
    made.__reduce__ = lambda self: (made, tuple([getattr(self, name) for name in names]))
    known = vars(sys.modules[made.__module__])
    made.__annotations__ = {name: eval(kind, known) for name, kind, *_ in fields}
    for name, value in constants.items():
        setattr(made, name, value)
'''


def sources() -> list[Path]:
    """The modules of the core, in the order of their names."""
    return sorted((HERE / CORE).glob("*.py"))


def digest() -> str:
    """Of all that the compiled core hangs on: the sources, this file, and the Python that it is made for."""
    said = hashlib.sha256(sys.version.encode())
    for path in (*sources(), Path(__file__)):
        said.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return said.hexdigest()


def is_made(folder: Path = FOLDER) -> bool:
    """Whether a folder holds what these sources come to."""
    stamp = folder / STAMP
    return stamp.is_file() and stamp.read_text("utf-8") == digest()


def environment(*, compiled: bool) -> dict[str, str]:
    """Of a process that is to run with the compiled core, or with the Python, whatever this one runs with."""
    path = (FOLDER, HERE) if compiled else (HERE,)
    return {**os.environ, "PYTHONSAFEPATH": "1", "PYTHONPATH": os.pathsep.join(map(str, path))}


def in_use() -> bool:
    """Whether this process would import, or has imported, the compiled core."""
    spec = importlib.util.find_spec(CORE)
    return spec is not None and spec.origin is not None and Path(spec.origin).is_relative_to(FOLDER)


def told(text: str) -> str:
    """A module in mypyc's words, each line where it was; what `dataclass` makes of its classes comes after the last."""
    lines, tree = text.splitlines(), ast.parse(text)
    for name in sorted(_floats(tree), key=lambda name: -name.col_offset):
        line = lines[name.lineno - 1]
        lines[name.lineno - 1] = f"{line[: name.col_offset]}(float | int){line[name.end_col_offset :]}"
    classes = [item for item in tree.body if isinstance(item, ast.ClassDef) and _is_dataclass(item)]
    said = [_tell_class(item, lines) for item in classes]
    for item in tree.body:
        if isinstance(item, ast.ImportFrom) and item.module == "dataclasses":
            lines[(item.end_lineno or item.lineno) - 1] += "; from mypy_extensions import mypyc_attr"
    return "\n".join([*lines, "", "from lifecycle.dataclassed import dataclassed", *said, ""])


def _floats(tree: ast.Module) -> Iterator[ast.Name]:
    """Where a module says `float` of what may be an `int`: mypyc would make 20.0 of 20, and another digest of that."""
    for node in ast.walk(tree):
        kinds = (getattr(node, "annotation", None), getattr(node, "returns", None))
        for kind in kinds:
            names = ast.walk(kind) if isinstance(kind, ast.expr) else ()
            yield from (name for name in names if isinstance(name, ast.Name) and name.id == "float")


def _is_dataclass(node: ast.ClassDef) -> bool:
    return any(ast.unparse(item).startswith("dataclass(") for item in node.decorator_list)


def _tell_class(node: ast.ClassDef, lines: list[str]) -> str:
    """Tell a dataclass as a plain class: declarations alone, then its methods on the two free lines after it.

    Returns:
        The statement that hangs on it what `dataclass` makes besides.
    """
    declared = [item for item in node.body if isinstance(item, ast.AnnAssign)]
    constants = [item for item in declared if ast.unparse(item.annotation).startswith("ClassVar")]
    fields = [item for item in declared if item not in constants]
    gone: list[ast.expr | ast.stmt] = [*node.decorator_list, *declared]
    for item in gone:
        last = item.end_lineno or item.lineno
        lines[item.lineno - 1 : last] = [""] * (last - item.lineno + 1)
    for item in fields:
        lines[item.lineno - 1] = f"    {_name(item)}: {_kind(item)}"
    lines[node.lineno - 2] = "@mypyc_attr(acyclic=True)"
    end = node.end_lineno or node.lineno
    lines += [""] * (end + 2 - len(lines))
    lines[end], lines[end + 1] = f"    {_init(fields)}", f"    {_altered(node.name, fields)}"
    compares = "eq=False" not in ast.unparse(node.decorator_list[-1])
    held = ", ".join(f"{_name(item)!r}: {ast.unparse(item.value)}" for item in constants if item.value)
    rest = ", ".join(("", *map(_field, fields)))
    return f"dataclassed({node.name}, {compares}, {{{held}}}{rest})"


def _field(item: ast.AnnAssign) -> str:
    """Name, kind, and the default or what makes it: a list of it."""
    made, parts = _factory(item.value), [repr(_name(item)), repr(ast.unparse(item.annotation))]
    default = [f"[{made}]"] if made else [ast.unparse(item.value)] if item.value else []
    return f"({', '.join([*parts, *default])})"


def _name(field: ast.AnnAssign) -> str:
    return ast.unparse(field.target)


def _kind(item: ast.AnnAssign) -> str:
    return re.sub(r"\bfloat\b", "(float | int)", ast.unparse(item.annotation))


def _init(fields: list[ast.AnnAssign]) -> str:
    parameters, sets = ["self"], []
    for item in fields:
        name, kind = _name(item), _kind(item)
        made = _factory(item.value)
        if made:
            parameters.append(f"{name}: {kind} | None = None")
            sets.append(f"self.{name} = {made}() if {name} is None else {name}")
        else:
            parameters.append(f"{name}: {kind}" + (f" = {ast.unparse(item.value)}" if item.value else ""))
            sets.append(f"self.{name} = {name}")
    return f"def __init__({', '.join(parameters)}) -> None: {'; '.join(sets) or 'pass'}"


def _altered(name: str, fields: list[ast.AnnAssign]) -> str:
    values = ", ".join(f"changes.get({_name(item)!r}, self.{_name(item)})" for item in fields)
    return f"def altered_by(self, changes: dict[str, object]) -> '{name}': return {name}({values})"


def _factory(default: ast.expr | None) -> str:
    """What makes the default of a field, in `field(default_factory=...)`; empty where nothing does."""
    if isinstance(default, ast.Call) and ast.unparse(default.func) == "field":
        return next((ast.unparse(item.value) for item in default.keywords if item.arg == "default_factory"), "")
    return ""


def make() -> None:
    """Compile the core into `FOLDER`, which is emptied first.

    Raises:
        subprocess.CalledProcessError: a source that mypyc refuses, or no C compiler; both have said why.
    """
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / CORE).mkdir(parents=True)
    for path in sources():
        (FOLDER / CORE / path.name).write_text(told(path.read_text("utf-8")), "utf-8")
    names = [f"{CORE}/{path.name}" for path in sources() if path.stem not in LEFT]
    texts = {
        f"{CORE}/__init__.py": (HERE / CORE / "__init__.py").read_text("utf-8") + CURRENT,
        f"{CORE}/altered.py": ALTERED,
        f"{CORE}/dataclassed.py": DATACLASSED,
        "mypy.ini": CHECKER,
        "setup.py": SETUP.format(core=CORE, names=names),
    }
    for name, text in texts.items():
        (FOLDER / name).write_text(text, "utf-8")
    subprocess.run([sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"], cwd=FOLDER, check=True)
    shutil.rmtree(FOLDER / "build")
    (FOLDER / STAMP).write_text(digest(), "utf-8")


def main() -> int:
    """0: the core lies compiled in the folder, as it is now. 3: it could not be compiled."""
    parser = argparse.ArgumentParser(description="Compile the core, for PYTHONPATH=build/native. Needs a C compiler.")
    parser.parse_args()
    if not is_made():
        print("compiling the core, which takes a minute or two", flush=True)
        try:
            make()
        except subprocess.CalledProcessError:
            print("the core does not compile here; everything runs without that, and slower", file=sys.stderr)
            return 3
    print(f"compiled: PYTHONPATH={FOLDER.relative_to(HERE)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
