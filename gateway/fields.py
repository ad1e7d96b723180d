"""Reads single fields out of a sender's JSON: each function checks one kind of value and refuses it by its dotted path.

Rules: nothing is mended in silence. A line break in a name or an address would become a header of a mail, so it is
refused and not stripped; so is an unknown key, which is a misspelt one more often than a spare one.
"""

import functools
import re
import unicodedata
import zoneinfo
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from gateway.refusals import RefusedError, near

_KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_ROLE = re.compile(r"[a-z][a-z0-9_]*")
_COUNTRY = re.compile(r"[A-Z]{2}")
_LOCAL_PART = re.compile(r"[^\s@<>()\[\]\\,;:\"]+")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
_BREAKS = frozenset({"Cc", "Zl", "Zp", "Cs"})
_NO_PLACES = frozenset({"Factory", "localtime", "posixrules"})
LONGEST_ADDRESS = 254
LONGEST_LOCAL_PART = 64
LARGEST_ARR = 10**12
YEARS = range(2000, 2201)


def mapping(data: object, field: str) -> dict[str, Any]:
    """A JSON object."""
    if not isinstance(data, dict):
        fix = "send one JSON object" if field == "body" else f'send "{field}": {{...}}'
        raise RefusedError(field, "is not a JSON object", fix)
    return data


def known_keys(data: Mapping[str, Any], field: str, allowed: Collection[str]) -> None:
    """Refuse the first key that is not `allowed`."""
    for key in data:
        if key not in allowed:
            path = f"{field}.{key}" if field else key
            raise RefusedError(_shown(path), "is not a field here", near(key, allowed))


def _shown(path: str) -> str:
    """A path safe to print: a key is a sender's text too."""
    return "".join(letter if letter.isprintable() else "?" for letter in path)[:120]


def text(data: object, field: str, *, longest: int = 200) -> str:
    """A line of text: 1 to `longest` characters, no control characters, no blanks at its ends."""
    if not isinstance(data, str):
        raise RefusedError(field, "is missing or not text", f'send "{field}" as a text of 1 to {longest} characters')
    if any(unicodedata.category(letter) in _BREAKS for letter in data):
        raise RefusedError(field, "holds a line break or another control character", "send one line of plain text")
    if not data.strip() or data != data.strip():
        raise RefusedError(field, "is empty, or begins or ends with a blank", "send the text without blanks around it")
    if len(data) > longest:
        raise RefusedError(field, f"has {len(data)} characters", f"send at most {longest}")
    return data


def kebab(data: object, field: str) -> str:
    """A label such as `enterprise` or `mid-market`: lower case, digits, single hyphens, at most 40 characters."""
    label = text(data, field, longest=40)
    if not _KEBAB.fullmatch(label):
        raise RefusedError(
            field, "is not a lower-case label", 'write it like "mid-market": a-z, 0-9 and single hyphens'
        )
    return label


def zone(data: object, field: str) -> str:
    """An IANA time zone that exists in the pinned tzdata."""
    name = text(data, field, longest=60)
    if name not in _zones():
        raise RefusedError(field, f'there is no time zone "{name}"', _near_zone(name))
    return name


@functools.cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - _NO_PLACES)


def _near_zone(name: str) -> str:
    city = name.rsplit("/", 1)[-1].replace(" ", "_").lower()
    same_city = [zone for zone in _zones() if zone.rsplit("/", 1)[-1].lower() == city and "/" in zone]
    if same_city:
        return f'did you mean "{min(same_city)}"?'
    by_lower = {zone.lower(): zone for zone in _zones()}
    hint = near(name, by_lower, otherwise='use an IANA name such as "Europe/Berlin", or leave it out')
    for lower in sorted(by_lower, key=len, reverse=True):
        hint = hint.replace(f'"{lower}"', f'"{by_lower[lower]}"')
    return hint


def address(data: object, field: str) -> str:
    """An email address as it is written to the mail; the domain may be Unicode if it has an IDNA form."""
    written = text(data, field, longest=LONGEST_ADDRESS)
    local, at, domain = written.rpartition("@")
    labels = _labels(domain)
    good = at and _LOCAL_PART.fullmatch(local) and len(local) <= LONGEST_LOCAL_PART and len(labels) > 1
    if not good or not all(_LABEL.fullmatch(label) for label in labels) or ".." in local:
        raise RefusedError(
            field, "is not an email address", 'write it like "ada@acme.example.com", without a name or brackets'
        )
    return written


def _labels(domain: str) -> list[str]:
    try:
        return domain.encode("idna").decode("ascii").split(".")
    except UnicodeError:
        return []


def country(data: object, field: str) -> str:
    """An ISO 3166 alpha-2 code, upper case."""
    code = text(data, field, longest=2)
    if not _COUNTRY.fullmatch(code):
        raise RefusedError(field, "is not a country code", 'use two capital letters such as "DE"')
    return code


def whole(data: object, field: str, *, highest: int = LARGEST_ARR) -> int:
    """A whole number from 0 to `highest`."""
    if isinstance(data, bool) or not isinstance(data, int):
        raise RefusedError(field, "is not a whole number", f'send "{field}" as a number without quotes or decimals')
    if not 0 <= data <= highest:
        raise RefusedError(field, f"is below 0 or above {highest}", f"send a number from 0 to {highest}")
    return data


def day(data: object, field: str) -> date:
    """A calendar date, of a year that a contract can have."""
    try:
        found = date.fromisoformat(text(data, field, longest=10))
    except ValueError:
        raise RefusedError(field, "is not a date", 'write it like "2027-03-31"') from None
    if found.year not in YEARS:
        raise RefusedError(field, "is not in the years 2000 to 2200", 'write it like "2027-03-31"')
    return found


def instant(data: object, field: str, *, zone: str = "") -> datetime:
    """An instant; one without an offset is read in `zone`, and refused where there is none."""
    written = text(data, field, longest=40)
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise RefusedError(field, "is not a time", 'write it like "2026-03-02T09:00:00Z"') from None
    if at.tzinfo is not None:
        return at
    if not zone:
        raise RefusedError(field, "has no offset from UTC", 'write it like "2026-03-02T09:00:00Z"')
    return at.replace(tzinfo=zoneinfo.ZoneInfo(zone))


def roles(data: object, field: str) -> tuple[str, ...]:
    """Roles of a contact, `champion` and the like, each once, in the order sent."""
    if not isinstance(data, list) or len(data) > 10:  # noqa: PLR2004 - nobody has more hats than that
        raise RefusedError(field, "is not a list of at most 10 roles", 'send ["champion"]')
    found = [text(item, f"{field}[{number}]", longest=40) for number, item in enumerate(data)]
    for number, role in enumerate(found):
        if not _ROLE.fullmatch(role):
            raise RefusedError(f"{field}[{number}]", "is not a role", 'write it like "executive_sponsor"')
    return tuple(dict.fromkeys(found))
