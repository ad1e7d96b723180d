"""Columns that mean the same on SQLite and PostgreSQL, and those that many tables have."""

from datetime import UTC, datetime

from sqlalchemy import JSON, Column, DateTime, Dialect, ForeignKey, String
from sqlalchemy.types import TypeDecorator

Json = JSON(none_as_null=True)


class Instant(TypeDecorator[datetime]):
    """An instant: aware going in (naive is refused), aware UTC coming out, on both databases alike."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no zone; an instant is aware")
        at = value.astimezone(UTC)
        return at.replace(tzinfo=None) if dialect.name == "sqlite" else at

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def of_customer(*, primary_key: bool = False) -> "Column[str]":
    """The column that says whose a row is."""
    return Column("customer", String, ForeignKey("customers.id"), primary_key=primary_key, nullable=False)
