"""What the values of settings may be: each check returns the value, tidied, or raises ValueError without a word.

What a wrong value is for, and how to mend it, `settings` says; the checks know neither names nor the environment.
"""

import base64
import binascii
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr


def url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ValueError
    return value.rstrip("/")


def database(value: str) -> str:
    if value and value.split(":", 1)[0] not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise ValueError
    return value


def signing_keys(value: SecretStr) -> SecretStr:
    for key in filter(None, (part.strip() for part in value.get_secret_value().split(","))):
        try:
            size = len(base64.b64decode(key.removeprefix("whsec_"), validate=True))
        except binascii.Error as error:
            raise ValueError from error
        if not key.startswith("whsec_") or not 24 <= size <= 64:  # noqa: PLR2004 - bytes, as Standard Webhooks asks
            raise ValueError
    return value


def long(value: SecretStr) -> SecretStr:
    if value and len(value.get_secret_value()) < 32:  # noqa: PLR2004 - 32 characters of hex are 128 bits
        raise ValueError
    return value


def endpoints(value: str) -> str:
    for entry in value.split():
        name, _, where = entry.partition("=")
        if not name.replace("-", "").isalnum() or not where:
            raise ValueError
        url(where)
    return value


def address(value: str) -> str:
    name, _, host = value.rpartition("@")
    if not name or "." not in host or any(c.isspace() for c in value):
        raise ValueError
    return value


def address_or_none(value: str) -> str:
    return address(value) if value else ""


def setting(default: Any, noun: str, *, why: str, fix: str, **limits: Any) -> Any:
    """Make a field that can report itself: `noun` finishes `"..." is not`, `why` says what it is for."""
    return Field(
        default, description=why, json_schema_extra={"noun": noun, "fix": fix}, validate_default=True, **limits
    )


Url = Annotated[str, AfterValidator(url)]
EMPTY = SecretStr("")
