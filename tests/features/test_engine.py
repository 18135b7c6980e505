"""The processes of this machine as an engine."""

import os
import platform
import resource
import signal

import numpy as np
import pytest

from research.features.engine import map_locally


def square_or_die(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number * number


def test_results_come_in_order_from_other_processes():
    assert list(map_locally(str, range(40), workers=2)) == [str(number) for number in range(40)]
    here, *others = {os.getpid()}, *map_locally(_process, range(8), workers=2)
    assert here.isdisjoint(others)
    assert here.issuperset(map_locally(_process, range(8), workers=1))


def test_a_killed_process_says_that_a_new_run_resumes():
    with pytest.raises(ValueError, match=r"a process was killed, .* run again, it resumes"):
        list(map_locally(square_or_die, range(8), workers=2))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="settings of glibc")
def test_a_process_keeps_its_memory_for_the_next_item():
    pages = list(map_locally(_new_pages, range(40), workers=2))
    assert np.median(pages) < 100  # of the 2,200 that three such arrays fill


def _new_pages(_item):
    """Pages of memory that the kernel hands out while arrays of a song's size come and go."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    sum(array.sum() for array in [np.ones(750_000, np.float32) for _ in range(3)])
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def _process(_item):
    return os.getpid()
