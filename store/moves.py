"""The moves of customers between stages, whoever made them."""

from datetime import datetime

from sqlalchemy import Connection, select

from store import tables


def read(c: Connection) -> dict[str, list[tuple[datetime, str]]]:
    """By customer: when (customer time) and to which stage, the oldest first."""
    table = tables.decisions.c
    query = select(table.customer, table.at, table.step)
    query = query.where(table.what == "stage", table.verdict == "fired", table.play == 0)
    found: dict[str, list[tuple[datetime, str]]] = {}
    for row in c.execute(query.order_by(table.customer, table.batch, table.position)):
        found.setdefault(row.customer, []).append((row.at, row.step))
    return found
