"""The timer of interleaved sides, on clocks that tick as they are told."""

import pytest

from research.bench.measurement import share_of_limit, times_faster, worst
from research.bench.pairs import Cost, Rounds, Side, Spread, interleave, read_clocks, spread


class FakeMachine:
    """Each side takes the next of its own durations; CPU time runs at half the speed of the wall clock."""

    def __init__(self, durations):
        self.durations = {name: iter(values) for name, values in durations.items()}
        self.now_s = 100.0
        self.ran = []

    def clocks(self):
        return Cost(self.now_s, self.now_s / 2)

    def sides(self, works):
        return {name: Side(lambda name=name: self.run(name), work) for name, work in works.items()}

    def run(self, name):
        self.ran.append(name)
        self.now_s += next(self.durations[name])


def test_sides_take_turns_and_the_first_run_does_not_count():
    machine = FakeMachine({"a": [99, 1, 2, 3], "b": [77, 2, 8, 6]})
    rounds = interleave(machine.sides({"a": 1, "b": 1}), 3, machine.clocks)
    assert machine.ran == ["a", "b", "a", "b", "b", "a", "a", "b"]
    assert [cost.wall_s for cost in rounds.costs["a"]] == [1, 2, 3]
    assert [cost.cpu_s for cost in rounds.costs["b"]] == [1, 4, 3]


def test_ratios_are_taken_within_a_round_by_the_unit_of_work():
    machine = FakeMachine({"ours": [1, 10, 20, 10], "reference": [1, 10, 60, 30]})
    rounds = interleave(machine.sides({"ours": 10, "reference": 5}), 3, machine.clocks)
    # A unit costs 1, 2, 1 s and 2, 12, 6 s: ratios 2, 6, 6.
    found = rounds.ratio("reference", "ours")
    assert found.wall == Spread(median=6.0, low=4.0, high=6.0)
    assert found.cpu == found.wall


def test_quartiles_are_numpys():
    assert spread([4.0, 1.0, 3.0, 2.0]) == Spread(median=2.5, low=1.75, high=3.25)


def test_clocks_count_children():
    import subprocess
    import sys

    before = read_clocks()
    subprocess.run([sys.executable, "-c", "sum(range(10**6))"], check=True)
    after = read_clocks()
    # Python alone takes some milliseconds of CPU to start.
    assert after.cpu_s - before.cpu_s > 1e-3
    assert after.wall_s > before.wall_s


WORDS = {"ours": "fast", "limit": "the machine"}


def test_the_limit_is_a_share_of_our_cost():
    costs = {"ours": [Cost(2, 4)] * 3, "reference": [Cost(12, 8)] * 3, "limit": [Cost(1, 1)] * 3}
    found = times_faster(Rounds(costs), key="k", target=4, reference="slow", **WORDS)
    assert (found.value.median, found.cpu.median, found.limit_share.median) == (6, 2, 0.25)
    assert not found.met  # CPU time decides: 2 < 4
    by_wall = times_faster(Rounds(costs), key="k", target=4, reference="slow", cpu=False, **WORDS)
    assert (by_wall.cpu, by_wall.limit_share.median, by_wall.met) == (None, 0.5, True)
    assert share_of_limit(Rounds(costs), key="k", target=0.2, **WORDS).cpu.median == 0.25


def test_the_largest_difference_is_the_value():
    found = worst("k", [0.1, 0.4, 0.2], target=0.3, unit="dB", ours="fast", reference="slow")
    assert found.value.median == pytest.approx(0.4)
    assert not found.met
