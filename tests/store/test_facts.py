"""What of a report is news is judged against what the workflow was last told, not against what was last reported."""

from lifecycle.playbook import FactSpec
from store import facts
from store.customers import Customer
from store.database import Database

SPECS = {"usage.share": FactSpec("number", resolution=0.05)}


def test_small_steps_add_up_to_news(database: Database, customer: Customer) -> None:
    found = []
    for share in (0.50, 0.52, 0.54, 0.56, 0.57):
        with database.begin() as c:
            found.append(facts.news(c, customer.id, {"usage.share": share}, SPECS))
    assert found == [{"usage.share": 0.50}, {}, {}, {"usage.share": 0.56}, {}]
