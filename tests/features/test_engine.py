"""The processes of this machine as an engine."""

import os
import signal

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


def _process(_item):
    return os.getpid()
