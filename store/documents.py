"""Documents that steps made, by the touch that made them. Made again, one takes the place of itself."""

from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from store.result_tables import documents


@dataclass(frozen=True, slots=True)
class Document:
    """One document. `to`: id of the contact or teammate it was made for; `made_at`: customer time."""

    touch: str
    customer: str
    to: str
    title: str
    markdown: str
    html: str
    made_at: datetime

    @property
    def name(self) -> str:
        """Its touch without the customer, which links carry."""
        return self.touch.partition("/")[2]


_FIELDS = tuple(item.name for item in fields(Document))


def keep(c: Connection, document: Document) -> None:
    """Keep a document."""
    c.execute(delete(documents).where(documents.c.touch == document.touch))
    c.execute(insert(documents).values({name: getattr(document, name) for name in _FIELDS}))


def of(c: Connection, customer: str, to: str = "") -> tuple[Document, ...]:
    """A customer's documents, the newest first; with `to` those made for one person."""
    query = select(documents).where(documents.c.customer == customer)
    query = query.where(documents.c.to == to) if to else query
    rows = c.execute(query.order_by(documents.c.made_at.desc(), documents.c.touch)).mappings()
    return tuple(Document(**row) for row in rows)


def get(c: Connection, touch: str) -> Document | None:
    """One document."""
    row = c.execute(select(documents).where(documents.c.touch == touch)).mappings().one_or_none()
    return None if row is None else Document(**row)
