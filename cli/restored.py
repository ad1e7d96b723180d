"""`stageplay restored`: after a restore from a backup nobody knows what went out since, so nothing goes until somebody
has looked.
"""

from typing import Annotated

import typer

import settings as configuration
from cli.connection import opened
from store import ledger
from store.database import Database
from store.ledger import Standing

FIRST = 20


def command(
    *,
    reconciled: Annotated[
        bool, typer.Option("--reconciled", help="It agrees with the providers; let sends go.")
    ] = False,
) -> None:
    """Hold every send after a restore from a backup, until the ledger agrees with what the providers sent since."""
    raise typer.Exit(held_since_restore(reconciled=reconciled))


def held_since_restore(*, reconciled: bool) -> int:
    """Hold every send, or let them go again.

    Args:
        reconciled: the ledger agrees with the providers again.

    Returns:
        The exit code: 1 while touches are in doubt, which are named and keep everything on hold.

    Raises:
        ProcessError: the database does not answer, or is not of this version.
    """
    with opened(configuration.load().database_url) as database:
        return _released(database) if reconciled else _held(database)


def _held(database: Database) -> int:
    with database.begin() as c:
        ledger.set_reconciling(c, on=True)
        doubtful = ledger.in_doubt(c)
    print("Every send is held: whatever went out since the backup is not in this database.")
    print(f"Settle what is in doubt ({len(doubtful)} known) under Problems, compare with the provider, then run")
    print("  stageplay restored --reconciled")
    return 0


def _released(database: Database) -> int:
    with database.begin() as c:
        if not ledger.reconciling(c):
            print("Nothing is held since a restore.")
            return 0
        doubtful = ledger.in_doubt(c)
        if not doubtful:
            ledger.set_reconciling(c, on=False)
    if doubtful:
        _name(doubtful)
        return 1
    print("Sends go again; what was held asks for its turn within the hour.")
    return 0


def _name(doubtful: tuple[Standing, ...]) -> None:
    print("Still held: nobody knows whether these arrived. Settle each under Problems on the dashboard.")
    for row in doubtful[:FIRST]:
        print(f"  {row.touch}: {row.reason}")
    if len(doubtful) > FIRST:
        print(f"  and {len(doubtful) - FIRST} more")
