"""Parallel computation: the engine is a `map` over many items, by default over processes of this machine."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from typing import Any

from joblib import Parallel, delayed

Engine = Callable[[Callable[[Any], Any], Sequence[Any]], Iterator[Any]]
"""Results of a function for each item, in their order. The function is known to its module by name and may be called
twice for an item (its first worker died): called again, it must do no harm."""

KEPT_MEMORY = {"MALLOC_TRIM_THRESHOLD_": 2**28, "MALLOC_MMAP_THRESHOLD_": 2**25}
"""Settings of glibc's malloc, bytes: a process keeps what it frees for its next item. Otherwise the kernel takes back a
song's memory and hands out zeroed pages for the next one, a seventh of what a spectrogram costs."""


def map_locally(function: Callable[[Any], Any], items: Sequence[Any], workers: int | None = None) -> Iterator[Any]:
    """The engine of this machine.

    Args:
        workers: processes, each one core; None takes every core, 1 computes in this process.

    Raises:
        ValueError: a process was killed from outside.
    """
    workers = min(workers or os.cpu_count() or 1, len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    for name, bytes_ in KEPT_MEMORY.items():
        os.environ.setdefault(name, str(bytes_))  # for the processes that start now
    # joblib's processes are neither forked (a child of a process in which torch has started threads may hang) nor do
    # they import the main script again, and they end with their parent.
    try:
        yield from Parallel(n_jobs=workers, return_as="generator")(delayed(function)(item) for item in items)
    except BrokenExecutor as error:
        raise ValueError("a process was killed, perhaps for lack of memory; run again, it resumes") from error
