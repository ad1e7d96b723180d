"""`stageplay schema`: the JSON Schema of the files that people write, for editors and other tools."""

from pathlib import Path
from typing import Annotated

import typer

from authoring import schema


def command(
    *,
    file: Annotated[Path | None, typer.Option("--out", help="Write it to this file, not to the screen.")] = None,
    check: Annotated[bool, typer.Option("--check", help="Say whether that file is as it would be written.")] = False,
) -> None:
    """Print the JSON Schema of playbooks and all other files that people write (draft 2020-12)."""
    if file is None:
        if check:
            raise typer.BadParameter("name the file to check with --out", param_hint="--check")
        print(schema.text(), end="")
    elif not check:
        try:
            file.write_text(schema.text(), encoding="utf-8")
        except OSError as error:
            raise typer.BadParameter(f"cannot write {file}: {error.strerror}", param_hint="--out") from error
    elif not file.is_file() or file.read_text(encoding="utf-8") != schema.text():
        print(f"{file} is not the schema of this version; write it with `stageplay schema --out {file}`")
        raise typer.Exit(1)
