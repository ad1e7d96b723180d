"""A fresh sign-in link for a gateway that runs already: whoever may read its database may let people in."""

import json

import settings as configuration
from cli.connection import require_schema
from gateway.refusals import near
from gateway.sign_in import make_token, sign_in_link
from settings import Settings
from store import team
from store.database import Database


class NoSuchTeammateError(Exception):
    """`--as` names nobody on the team."""


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
