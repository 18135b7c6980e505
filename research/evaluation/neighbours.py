"""Are songs of the same mood neighbours? Counted among each song's nearest neighbours by other artists."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist
from scipy.stats import bootstrap

from research.evaluation.statistics import Interval


def neighbour_agreement(
    vectors: Float[np.ndarray, "songs dim"], moods: Int[np.ndarray, " songs"], artists: Sequence[str], k: int
) -> tuple[Float[np.ndarray, " songs"], Float[np.ndarray, " songs"]]:
    """Share of each song's k nearest neighbours that have its mood, and that share among all candidates (chance).

    Only songs by other artists count, since songs of one artist are close whatever their mood. Distances are Euclidean.

    Raises:
        ValueError: an artist leaves fewer than k songs by others.
    """
    other = np.array(artists)[:, None] != np.array(artists)
    fewest = other.sum(axis=1).min()
    if fewest < k:
        raise ValueError(f"a song has {fewest} songs by other artists, fewer than k={k}; lower k or give more songs")
    same = moods[:, None] == moods
    nearest = np.argsort(np.where(other, cdist(vectors, vectors), np.inf), axis=1, kind="stable")[:, :k]
    chance = (same & other).sum(axis=1) / other.sum(axis=1)
    return np.take_along_axis(same, nearest, axis=1).mean(axis=1), chance


def artist_mean(
    values: Float[np.ndarray, " songs"], artists: Sequence[str], generator: np.random.Generator
) -> Interval:
    """Mean over songs with its 95 % interval over drawn artists (BCa, Efron 1987)."""
    names, place = np.unique(np.array(artists), return_inverse=True)
    sums, counts = np.bincount(place, values), np.bincount(place, minlength=len(names))
    found = bootstrap(
        (sums, counts),
        lambda sums, counts, axis: sums.sum(axis=axis) / counts.sum(axis=axis),
        paired=True,
        rng=generator,
    ).confidence_interval
    return Interval(float(values.mean()), float(found.low), float(found.high))
