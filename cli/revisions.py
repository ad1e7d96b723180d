"""Playbooks and templates as git has them at a revision, for a plan that compares files."""

import io
import subprocess
import tarfile
from pathlib import Path

from cli.failures import MisuseError


def checked_out(revision: str, folders: tuple[Path, Path], into: Path) -> tuple[Path, Path]:
    """Two folders of a repository as they were at a revision.

    Raises:
        MisuseError: git does not know the revision, or the folders are in no repository.
    """
    try:
        top = Path(_git(folders[0], "rev-parse", "--show-toplevel").decode().strip())
        paths = [folder.resolve().relative_to(top.resolve()) for folder in folders]
        data = _git(top, "archive", "--format=tar", revision, "--", *map(str, paths))
    except (subprocess.CalledProcessError, OSError, ValueError) as error:
        said = error.stderr.decode(errors="replace").strip() if isinstance(error, subprocess.CalledProcessError) else ""
        why = f": {said}" if said else ""
        raise MisuseError(f'git has no {folders[0].name}/ and {folders[1].name}/ at "{revision}"{why}') from error
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(into, filter="data")
    return into / paths[0], into / paths[1]


def _git(folder: Path, *arguments: str) -> bytes:
    if any(item.startswith("-") for item in arguments[2:3]):
        raise ValueError(arguments)
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True).stdout  # noqa: S603, S607 - git of whoever types this, told no options that they typed
