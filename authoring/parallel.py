"""Work over a stream in several processes: as much memory as a few batches, and the same result as in one process.

Processes are started afresh (not forked), because the caller may have threads; so what they work with is pickled to
each of them once.
"""

import gc
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future as Promise
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

Context = TypeVar("Context")
Item = TypeVar("Item")
Part = TypeVar("Part")

BATCH = 50
"""Items a batch: some seconds of work at most, so that progress moves."""
WORTH_IT = 300
"""With fewer items, processes take longer to start than the work takes."""
AHEAD = 2
"""Batches a process has waiting."""


def spread(
    work: Callable[[Context, tuple[Item, ...]], Part],
    context: Context,
    items: Iterable[Item],
    *,
    processes: int = 1,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Part]:
    """Do `work` on batches of `items`, and yield what comes of each in the order of the items.

    `work` is a function of a module (it is pickled by name) and depends on nothing but its arguments. `progress` is
    told how many items are done.
    """
    stream = iter(items)
    first = tuple(islice(stream, WORTH_IT)) if processes > 1 else ()
    done = 0
    parts = (
        _pooled(work, context, _batches(first, stream), processes)
        if len(first) == WORTH_IT
        else ((batch, work(context, batch)) for batch in _batches(first, stream))
    )
    for batch, part in parts:
        done += len(batch)
        if progress is not None:
            progress(done)
        yield part


def _batches(first: tuple[Item, ...], rest: Iterator[Item]) -> Iterator[tuple[Item, ...]]:
    for start in range(0, len(first), BATCH):
        yield first[start : start + BATCH]
    while batch := tuple(islice(rest, BATCH)):
        yield batch


def _pooled(
    work: Callable[[Context, tuple[Item, ...]], Part],
    context: Context,
    batches: Iterator[tuple[Item, ...]],
    processes: int,
) -> Iterator[tuple[tuple[Item, ...], Part]]:
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_start, initargs=(work, context))
    waiting: deque[tuple[tuple[Item, ...], Promise[Part]]] = deque()
    try:
        for batch in batches:
            with _deaf():
                waiting.append((batch, pool.submit(_do, batch)))
            if len(waiting) >= processes * AHEAD:
                ready, promise = waiting.popleft()
                yield ready, promise.result()
        while waiting:
            ready, promise = waiting.popleft()
            yield ready, promise.result()
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """Let processes that start meanwhile not hear Ctrl-C, which reaches all of a terminal: whoever asked for the work
    ends it. A process that it hits while it starts would leave the others waiting for ever.
    """
    if not hasattr(signal, "pthread_sigmask"):  # on Windows nothing can be inherited so; Ctrl-C is heard there
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_mine: dict[str, Any] = {}
"""Of a process of the pool: what it was started with."""


def _start(work: Callable[[Any, tuple[Any, ...]], Any], context: Any) -> None:  # pragma: no cover - in another process
    _mine.update(work=work, context=context)
    gc.collect()
    gc.freeze()  # what all batches work with is there for good: no collection need look through it


def _do(batch: tuple[Any, ...]) -> Any:  # pragma: no cover - in another process
    return _mine["work"](_mine["context"], batch)
