"""What a frozen value is asked again and again, worked out once.

Everything kept here is a pure function of a value that never changes, so an answer is the same from a cold cache as
from a warm one, in any process and on any replay. Kept by identity, because a release cannot be hashed; the value is
held as long as its answer, so an identity never stands for another value. Bounded; one dict operation at a time, so
threads may share it.
"""

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, TypeVarTuple

T = TypeVar("T")
V = TypeVar("V")
More = TypeVarTuple("More")

LIMIT = 4096


def once(build: Callable[[V, *More], T]) -> Callable[[V, *More], T]:
    """Remember what `build` makes of its first argument, for the last few thousand; further ones only help to work it
    out.
    """
    kept: dict[int, tuple[V, T]] = {}

    @wraps(build)
    def look(value: V, /, *more: *More) -> T:
        try:
            return kept[id(value)][1]
        except KeyError:
            if len(kept) >= LIMIT:
                kept.clear()
            return kept.setdefault(id(value), (value, build(value, *more)))[1]

    return look
