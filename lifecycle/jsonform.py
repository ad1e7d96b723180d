"""The one JSON form of every frozen value that is stored or sent.

Rules: a value is a JSON object of its fields in declaration order, fields that equal their default left out; a member
of a union carries its `kind`; an instant is UTC with a trailing Z; an unknown field is an error, never ignored. A class
with `ROW` is a list of its fields instead, and a map to such a class names each different row once, to keep states
small. Temporal's own converter is not used for these values because it decodes a union by shape and would return the
wrong kind in silence.

`model.upgrade` runs on the raw object before `decode`; change the form of a stored value there, and freeze a sample of
the old one.
"""

import dataclasses
import hashlib
import json
import math
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar, Union, get_args, get_origin

T = TypeVar("T")
Scalar = str | int | float | bool | None
_Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]


class FormError(ValueError):
    """A stored or received value does not have the form that this build reads; says which field and what was there."""


def encode(value: object) -> Any:
    """Turn a frozen value into plain JSON data: dicts, lists, strings, numbers, booleans, None."""
    return _codec(type(value))[0](value)


def decode(cls: type[T], data: object) -> T:
    """Build a `cls` from plain JSON data.

    Raises:
        FormError: a field is unknown, missing or of the wrong kind.
    """
    return typing.cast("T", _read(_codec(cls), cls.__name__, data))


def decode_union(union: object, data: object) -> Any:
    """Build the member of `union` (`A | B | ...`, each with a `kind`) that `data["kind"]` names.

    Raises:
        FormError: no member has this kind, or its fields do not fit.
    """
    return _read(_codec(union), "union", data)


def _read(codec: _Codec, name: str, data: object) -> Any:
    try:
        return codec[1](data)
    except FormError:
        raise
    except (TypeError, ValueError, AttributeError) as error:
        raise FormError(f"{name}: {error}") from error


def canonical(data: object) -> str:
    """The one text of plain JSON data: sorted keys, no spaces. Digests are taken over it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(data: object) -> str:
    """The first 16 hex digits of SHA-256 over `canonical(data)`; 64 bits name a few thousand releases safely."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()[:16]


def instant_text(at: datetime) -> str:
    """An aware instant as `2026-03-02T09:00:00Z`; microseconds only where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _instant(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise FormError(f"{text!r} has no zone; an instant is UTC with a trailing Z")
    return at.astimezone(UTC)


def _same(value: Any) -> Any:
    return value


def _tree(value: Any) -> Any:
    """Lists to tuples all the way down: an expression tree is hashable once decoded."""
    return tuple(_tree(item) for item in value) if isinstance(value, list | tuple) else value


def _untree(value: Any) -> Any:
    return [_untree(item) for item in value] if isinstance(value, tuple) else value


_CODECS: dict[Any, _Codec] = {
    datetime: (instant_text, _instant),
    date: (date.isoformat, date.fromisoformat),
    timedelta: (timedelta.total_seconds, lambda seconds: timedelta(seconds=seconds)),
}
"""By type, built when first needed; but these at import, because tests that freeze time exchange the names."""


def _codec(hint: Any) -> _Codec:
    codec = _CODECS.get(hint)
    if codec is None:
        codec = _CODECS[hint] = _build(hint)
    return codec


def _build(hint: Any) -> _Codec:
    if hint in (str, int, float, bool, type(None)):
        return _same, _checked(hint)
    if hint is Any:
        return _untree, _tree
    if dataclasses.is_dataclass(hint):
        return _dataclass_codec(typing.cast("type", hint))
    return _generic_codec(hint)


def _checked(hint: type) -> Callable[[Any], Any]:
    allowed = (int, float) if hint is float else (hint,)

    def check(value: Any) -> Any:
        if not isinstance(value, allowed) or (hint in (int, float) and isinstance(value, bool)):
            raise FormError(f"expected {hint.__name__}, got {value!r}")
        return _finite(value)

    return check


def _generic_codec(hint: Any) -> _Codec:
    origin, args = get_origin(hint), get_args(hint)
    if origin is typing.Literal:
        return _same, _literal(args)
    if origin in (Union, types.UnionType):
        return _union_codec(args)
    if origin is tuple:
        out, into = _codec(args[0])
        return (lambda value: [out(item) for item in value]), (lambda data: tuple(into(item) for item in _array(data)))
    if origin in (dict, Mapping):
        if getattr(args[1], "ROW", False):
            return _grouped_codec(args[1])
        out, into = _codec(args[1])
        return (
            lambda value: {key: out(item) for key, item in value.items()},
            lambda data: {str(key): into(item) for key, item in data.items()},
        )
    raise TypeError(f"no JSON form for {hint!r}")


def _grouped_codec(cls: type) -> _Codec:
    """A map to rows as `[[row, key, ...], ...]`: a moment settles several steps alike, a person has several roles."""
    out, into = _codec(cls)

    def write(value: Any) -> Any:
        groups: dict[str, list[Any]] = {}
        for key, item in value.items():
            row = out(item)
            groups.setdefault(repr(row), [row]).append(key)  # as written: to Python 1 and True are one key
        return list(groups.values())

    def read(data: Any) -> Any:
        return {str(key): into(row) for row, *keys in _array(data) for key in keys}

    return write, read


def _array(data: Any) -> Any:
    if not isinstance(data, list | tuple):
        raise FormError(f"expected a list, got {data!r}")
    return data


def _literal(choices: tuple[Any, ...]) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value not in choices:
            raise FormError(f"{value!r} is none of {', '.join(map(repr, choices))}")
        return value

    return check


def _union_codec(args: tuple[Any, ...]) -> _Codec:
    members = {_kind(arg): arg for arg in args if dataclasses.is_dataclass(arg) and _kind(arg)}
    rest = [arg for arg in args if arg is not type(None)]
    if members and len(members) == len(rest):

        def read(data: Any) -> Any:
            if data is None and type(None) in args:
                return None
            if not isinstance(data, dict) or data.get("kind") not in members:
                raise FormError(f"unknown kind in {str(data)[:80]}")
            return _codec(members[data["kind"]])[1](data)

        return (lambda value: None if value is None else _codec(type(value))[0](value)), read
    if len(rest) == 1:
        out, into = _codec(rest[0])
        return (
            lambda value: None if value is None else out(value),
            lambda data: None if data is None else into(data),
        )
    return _same, _scalar


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float | bool | None):
        raise FormError(f"expected a plain value, got {value!r}")
    return _finite(value)


def _finite(value: Any) -> Any:
    """JSON has no name for infinity or for what is not a number; a state that held one could not be stored."""
    if isinstance(value, float) and not math.isfinite(value):
        raise FormError(f"{value!r} is not a number that JSON can hold")
    return value


def _kind(cls: Any) -> str | None:
    field = next((field for field in dataclasses.fields(cls) if field.name == "kind"), None)
    return None if field is None else typing.cast("str", field.default)


def _dataclass_codec(cls: type) -> _Codec:
    hints = typing.get_type_hints(cls)
    fields = dataclasses.fields(cls)
    codecs: dict[str, _Codec] = {}

    def codec(name: str) -> _Codec:
        if name not in codecs:
            codecs[name] = _codec(hints[name])
        return codecs[name]

    defaults = {field.name: _default(field) for field in fields}
    if getattr(cls, "ROW", False):
        return _row_codec(cls, hints, defaults)

    def write(value: Any) -> Any:
        data = {}
        for field in fields:
            item = getattr(value, field.name)
            if field.name == "kind" or item != defaults[field.name]:
                data[field.name] = codec(field.name)[0](item)
        return data

    def read(data: Any) -> Any:
        if not isinstance(data, dict):
            raise FormError(f"{cls.__name__}: expected an object, got {str(data)[:80]}")
        unknown = [key for key in data if key not in defaults]
        if unknown:
            raise FormError(f"{cls.__name__}: unknown field {', '.join(unknown)}")
        return cls(**{name: codec(name)[1](item) for name, item in data.items()})

    return write, read


def _row_codec(cls: type, hints: dict[str, Any], defaults: dict[str, Any]) -> _Codec:
    """A list of the fields in order, defaults at its end left out, instants as whole seconds since 1970 where they are
    whole: for small values that a state holds many of.
    """
    plain = {name: _codec(hints[name]) for name in defaults}
    codecs = [(name, _SECONDS if codec[0] is instant_text else codec) for name, codec in plain.items()]

    def write(value: Any) -> Any:
        items = [getattr(value, name) for name, _ in codecs]
        while items[-1] == defaults[codecs[len(items) - 1][0]]:
            items.pop()
        return [out(item) for (_, (out, _)), item in zip(codecs, items, strict=False)]

    def read(data: Any) -> Any:
        if len(_array(data)) > len(codecs):
            raise FormError(f"{cls.__name__}: {len(data)} values, and only {len(codecs)} fields")
        return cls(*(into(item) for (_, (_, into)), item in zip(codecs, data, strict=False)))

    return write, read


def _to_seconds(at: datetime) -> int | str:
    return instant_text(at) if at.microsecond else int(at.timestamp())


def _from_seconds(data: Any) -> datetime:
    return datetime.fromtimestamp(data, UTC) if type(data) is int else _instant(data)


_SECONDS: _Codec = (_to_seconds, _from_seconds)


def _default(field: "dataclasses.Field[Any]") -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default
