"""A worker process that performs one batch and says what came of it, for tests that kill it.

Run as `python -m tests.fakes.one_batch JSON`, with the database's address, the Delivery's fields and the batch.
"""

import asyncio
import json
import sys

from temporalio.testing import ActivityEnvironment

from activities.delivery import Delivery
from activities.perform import Performer
from store.database import open_database
from store.releases import DatabaseReleases


def main() -> None:
    given = json.loads(sys.argv[1])
    db = open_database(given["database"])
    releases = DatabaseReleases(db, None)
    with db.read():
        pass  # connecting to a busy server must not count against the second that a release may take
    releases.preload()
    performer = Performer(db, releases, Delivery(**given["delivery"]))
    result = asyncio.run(ActivityEnvironment().run(performer.perform, given["batch"]))
    sys.stdout.write(json.dumps(result["effects"]))


if __name__ == "__main__":
    main()
