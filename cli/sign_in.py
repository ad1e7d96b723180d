"""A fresh sign-in link for a gateway that runs already: whoever may read its database may let people in."""

import json
from typing import Annotated

import typer

import settings as configuration
from cli.connection import require_schema
from cli.failures import MisuseError
from gateway.refusals import near
from gateway.sign_in import make_token, sign_in_link
from settings import Settings
from store import team
from store.database import Database, open_database


class NoSuchTeammateError(MisuseError):
    """`--as` names nobody on the team."""


def command(
    *,
    who: Annotated[
        str, typer.Option("--as", help="The teammate it is for, by id or address; else who uses it chooses.")
    ] = "",
) -> None:
    """Print a link that signs one person in to the dashboard, once, within 15 minutes; the gateway may be running."""
    settings = configuration.load()
    database = open_database(settings.database_url)
    link = fresh_link(database, settings, who)
    database.close()
    print(link)


def fresh_link(database: Database, settings: Settings, acting: str) -> str:
    """A link that signs in once, within minutes.

    Args:
        database: of the gateway; it need not run yet.
        settings: name the gateway's address, unless `up` chose the port.
        acting: id or address of the teammate that the link is for; empty: who uses it chooses.

    Raises:
        NoSuchTeammateError: nobody on the team is called that.
        ProcessError: the database does not answer, or is not of this version.
    """
    require_schema(database)
    with database.read() as c:
        people = team.teammates(c)
        found = next((one.id for one in people if acting in {one.id, one.email}), None)
        if acting and found is None:
            fix = near(acting, (one.id for one in people), otherwise="run `stageplay apply`: there is no team yet")
            raise NoSuchTeammateError(
                f'nobody on the team is "{acting}"\n  why: answers are given in a teammate\'s name.\n  fix: {fix}'
            )
        return sign_in_link(_address(settings), make_token(c, found if acting and found else ""))


def _address(settings: Settings) -> str:
    """Where people reach the gateway: as the settings say, else at the port that `up` keeps for this folder."""
    if "public_url" in settings.model_fields_set or not settings.ports_file.is_file():
        return settings.public_url
    port = json.loads(settings.ports_file.read_text())["gateway"]
    default = str(configuration.Settings.model_fields["public_url"].default)
    return f"{default.rpartition(':')[0]}:{port}"
