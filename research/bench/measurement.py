"""One measured key: its value, what it was compared with, and how far from the machine's limit it is."""

from dataclasses import dataclass

from research.bench.pairs import Ratio, Rounds, Spread, spread


@dataclass(frozen=True, kw_only=True)
class Measurement:
    key: str
    value: Spread
    """By wall time, where time is measured at all."""
    cpu: Spread | None = None
    """The same by CPU time; None where that says nothing."""
    target: float
    at_most: bool = False
    """The target is an upper bound; a lower one if False."""
    unit: str = "x"
    ours: str
    reference: str
    limit: str
    """What cannot be undercut."""
    limit_share: Spread | None = None
    """Cost of the limit over that of our path, measured in the same rounds: 1 is as fast as it can be."""

    @property
    def met(self) -> bool:
        """By the steadier of the two clocks."""
        found = (self.cpu or self.value).median
        return found <= self.target if self.at_most else found >= self.target


def times_faster(
    rounds: Rounds, *, key: str, target: float, ours: str, reference: str, limit: str, cpu: bool = True
) -> Measurement:
    """How many times cheaper the side "ours" is than the side "reference"; the side "limit" is the floor.

    Args:
        cpu: CPU time says something of this comparison.
    """
    found, floor = rounds.ratio("reference", "ours"), rounds.ratio("limit", "ours")
    return Measurement(
        key=key,
        value=found.wall,
        cpu=found.cpu if cpu else None,
        target=target,
        ours=ours,
        reference=reference,
        limit=limit,
        limit_share=_steadier(floor, cpu),
    )


def share_of_limit(rounds: Rounds, *, key: str, target: float, ours: str, limit: str, cpu: bool = True) -> Measurement:
    """Cost of the side "limit" over that of the side "ours"; `cpu` as in `times_faster`."""
    found = rounds.ratio("limit", "ours")
    return Measurement(
        key=key,
        value=found.wall,
        cpu=found.cpu if cpu else None,
        target=target,
        unit="share",
        ours=ours,
        reference=limit,
        limit=limit,
        limit_share=_steadier(found, cpu),
    )


def worst(key: str, errors: list[float], *, target: float, unit: str, ours: str, reference: str) -> Measurement:
    """The largest of some differences, with their quartiles."""
    quartiles = spread(errors)
    return Measurement(
        key=key,
        value=Spread(max(errors), quartiles.low, quartiles.high),
        target=target,
        at_most=True,
        unit=unit,
        ours=ours,
        reference=reference,
        limit="equal to the last bit: 0",
    )


def _steadier(ratio: Ratio, cpu: bool) -> Spread:
    return ratio.cpu if cpu else ratio.wall
