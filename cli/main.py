"""The command `stageplay`: arguments in, exit codes out. 0 fine, 1 findings, 2 misuse, 3 our fault.

Every process ends in `main`, by leaving the interpreter without its teardown: the Temporal SDK sometimes aborts there
after everything succeeded, which would turn a good exit code into a bad one.
"""

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

import typer

from authoring.diagnostics import render_text
from cli.commands import COMMANDS, Commands, imported
from cli.failures import FailedError, FoundError, MisuseError
from cli.located import located
from cli.screen import err, out

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib import metadata  # noqa: PLC0415 - a tenth of the start of every other command

        out.print(f"stageplay {metadata.version('stageplay')}")
        raise typer.Exit


@app.callback()
def stageplay(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say the version.")
    ] = False,
) -> None:
    """Customer-success playbooks that do what they say."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; what it says is already said."""
    try:
        app(list(arguments), prog_name="stageplay")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except FoundError as problem:
        return _found(problem)
    except MisuseError as problem:
        return _said(problem, 2)
    except FailedError as problem:
        return _said(problem, 3)
    except Exception as problem:  # noqa: BLE001 - the last place to say whose fault it is
        return _unforeseen(problem)
    return 0


def _found(problem: FoundError) -> int:
    import settings as configuration  # noqa: PLC0415 - as in `_unforeseen`

    settings = configuration.load()
    found = located(problem.diagnostics, settings.playbooks_dir, settings.templates_dir)
    print(render_text(found, colour=err.is_terminal), file=sys.stderr)
    return _said(problem, 1)


def _said(problem: Exception, code: int) -> int:
    err.print(str(problem), markup=False)
    return code


def _unforeseen(problem: Exception) -> int:
    """What none of the families is: settings that cannot be used, or our fault, whose traceback is for us."""
    from settings import SettingsError  # noqa: PLC0415 - whoever raises it has it, and `--help` need not wait for it
    from store.database import DatabaseUrlError  # noqa: PLC0415 - as above, for `validate`

    if isinstance(problem, SettingsError | DatabaseUrlError):
        return _said(problem, 2)
    traceback.print_exception(problem)
    err.print("This is our fault, not yours; the lines above say where.", markup=False)
    return 3


def main() -> None:
    """Run the command of this process, and leave. What was imported stays, so no collection need look through it: that
    was a quarter of a `validate`.
    """
    for name in COMMANDS.keys() & sys.argv[1:2]:
        imported(name)
    gc.freeze()
    code = run(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
