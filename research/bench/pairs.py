"""Paired timing: in turns, round after round, so that other load on the machine affects all variants alike.

Ratios are taken within a round and summarised by median and quartiles, by two clocks: on a busy machine the ratio of
CPU time is the steadier one, but it says nothing about a path that uses several cores.
"""

import gc
import resource
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Cost:
    """Readings of both clocks, or what passed between two of them, seconds."""

    wall_s: float
    cpu_s: float
    """Of all threads of this process and of the child processes it has waited for."""


@dataclass(frozen=True)
class Side:
    """One of the paths: what to run, and how much work one run is, in the unit all sides of a comparison share."""

    run: Callable[[], object]
    work: float = 1.0


@dataclass(frozen=True)
class Spread:
    """Median and quartiles over rounds."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Ratio:
    wall: Spread
    cpu: Spread


class Rounds:
    """Costs per unit of work, by side, a round each."""

    def __init__(self, costs: Mapping[str, list[Cost]]):
        self.costs = costs

    def ratio(self, over: str, under: str) -> Ratio:
        """How many times as much `over` costs as `under`."""
        pairs = list(zip(self.costs[over], self.costs[under], strict=True))
        wall = spread([first.wall_s / second.wall_s for first, second in pairs])
        return Ratio(wall, spread([first.cpu_s / second.cpu_s for first, second in pairs]))


def read_clocks() -> Cost:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(time.perf_counter(), time.process_time() + children.ru_utime + children.ru_stime)


def interleave(sides: Mapping[str, Side], n_rounds: int, clocks: Callable[[], Cost] = read_clocks) -> Rounds:
    """Run all sides once untimed, then `n_rounds` times timed; each round begins with another side.

    The first runs import, allocate and choose kernels: costs of the first call alone are not compared.

    Args:
        clocks: read before and after each run.
    """
    for side in sides.values():
        side.run()
    names, costs = list(sides), {name: [] for name in sides}
    for round_ in range(n_rounds):
        first = round_ % len(names)
        for name in names[first:] + names[:first]:
            gc.collect()  # what one side left behind is not paid for by the next
            before = clocks()
            sides[name].run()
            after = clocks()
            work = sides[name].work
            costs[name].append(Cost((after.wall_s - before.wall_s) / work, (after.cpu_s - before.cpu_s) / work))
    return Rounds(costs)


def spread(values: list[float]) -> Spread:
    low, median, high = np.percentile(values, (25, 50, 75)).tolist()
    return Spread(median, low, high)
