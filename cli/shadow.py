"""`stageplay plan --shadow`: what a release that runs as a shadow would have decided otherwise since it began."""

import json

from authoring import shadow as shadowing
from cli import known
from cli.failures import MisuseError
from lifecycle.messages import CatalogueApplied
from lifecycle.model import state_from_json
from store import customers, rollouts
from store.database import Database, now


def of_shadow(db: Database) -> tuple[rollouts.Rollout, shadowing.Shadow]:
    """What the newest shadow would have decided otherwise since it began.

    Raises:
        MisuseError: there is none.
    """
    with db.read() as c:
        found = rollouts.shadow(c)
        if found is None:
            raise MisuseError("no release runs as a shadow; `stageplay apply --shadow` begins one")
        states = {name: state_from_json(data) for name, data in rollouts.kept_states(c, found.id)}
        names = {name: customers.get(c, name).name for name in states}
        seen = [shadowing.Seen(names[name], state, known.accepted_since(c, state)) for name, state in states.items()]
    library = known.library(db, states.values(), found.digest)
    event = CatalogueApplied(found.digest, found.options.move, found.options.late)
    return found, shadowing.compare(library, event, seen, until=now())


def show(database: Database, form: str) -> None:
    """Print it."""
    rollout, found = of_shadow(database)
    if form == "json":
        print(json.dumps({"release": rollout.digest, **shadowing.to_json(found)}, indent=2, ensure_ascii=False))
        return
    print(f"Shadow of {rollout.digest} since {rollout.started_at:%Y-%m-%d %H:%M} UTC; it has sent nothing.")
    print(shadowing.to_text(found))
