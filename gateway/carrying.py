"""What follows when an event was taken in: its customer's workflow hears of it at once, not with the next poll."""

from sqlalchemy import Connection as DbConnection

from gateway.deliver import Deliverer, Parcel


class Following:
    """Claims the delivery in the transaction that takes an event in, as `then` of `Intake.take`; one per event.

    A transaction that clashed runs again and claims again, so the last claim counts; of a repeat, which is rolled back,
    none does.
    """

    def __init__(self, deliverer: Deliverer) -> None:
        self._deliverer = deliverer
        self._parcel: Parcel | None = None

    def __call__(self, c: DbConnection, customer: str) -> None:
        """Claim the right to deliver to a customer."""
        self._parcel = self._deliverer.claim(c, customer)

    def carry(self) -> None:
        """Deliver what was claimed, after the answer; nothing while another deliverer has the customer."""
        if self._parcel is not None:
            self._deliverer.soon(self._deliverer.carry(self._parcel))
