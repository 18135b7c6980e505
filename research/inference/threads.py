"""Torch's threads, divided among the threads that compute parts of one song at the same time."""

from contextlib import AbstractContextManager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController


def share_of_threads(parts: int) -> AbstractContextManager:
    """Leave torch one of `parts` equal shares of its threads, but at least one, for what this thread computes.

    Takes effect at once, and ends with the context that is returned, or with the thread. Without it each of the
    threads has as many as there are cores, which wait for each other. Products of MKL, a few small ones in fp32 here,
    follow only where torch's number is from OMP_NUM_THREADS or the default, not from `torch.set_num_threads`.
    """
    # The first question sets the number that a new thread begins with; asked later, it would undo the limit.
    threads = torch.get_num_threads()
    return _openmp().limit(limits=max(1, threads // parts), user_api="openmp")


@cache
def _openmp() -> ThreadpoolController:
    return ThreadpoolController()  # looks through the libraries that are loaded, which takes milliseconds
