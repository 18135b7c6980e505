"""Are two models different? p-values of paired comparisons, and their correction for multiple comparisons.

A small p-value says that equal models would rarely look so different on these songs. It says nothing about the size of
the difference (see `statistics.paired_difference`) nor about retraining (see `variance`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import stdtr, stdtrit
from scipy.stats import binom

from research.evaluation.statistics import ArtistConfusions, Interval, Metric

N_PERMUTATIONS = 10_000
BLOCK_CELLS = 4_000_000
"""Swaps (permutations x artists) held at once: 32 MB."""
ROUNDING = 1e-12
"""A permuted difference this close to the observed one counts as equal: summation order differs."""


@dataclass(frozen=True)
class TTest:
    """A mean difference with its t interval and two-sided p-value."""

    difference: Interval
    p: float


def mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p-value that two models are right equally often; takes songs as independent.

    Args:
        only_a: songs that model a alone has right.
        only_b: songs that model b alone has right.

    Raises:
        ValueError: a negative count.

    Source: McNemar 1947; exact by the binomial distribution (Edwards 1948, "Note on the correction for continuity").
    """
    if min(only_a, only_b) < 0:
        raise ValueError(f"{only_a} and {only_b} songs: counts are not negative")
    return float(min(1.0, 2 * binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)))


def artist_permutation(
    pairs: Sequence[tuple[ArtistConfusions, ArtistConfusions]],
    metrics: Sequence[Metric],
    *,
    seed: int = 0,
    n_permutations: int = N_PERMUTATIONS,
) -> Float[np.ndarray, "pairs metrics"]:
    """Two-sided p-values that two models differ in each metric, when an artist's answers are swapped between them.

    If the models were equal, it would not matter which of them gave the answers to the songs of an artist. All songs of
    an artist are swapped together, because errors on them are correlated. Each model is scored on its confusion
    averaged over seeds. The p-value counts the observed arrangement as one of the permutations, so it is never zero.

    Args:
        pairs: of `statistics.artist_confusions`, all over the same artists; the two of a pair may differ in seeds.

    Raises:
        ValueError: different artists or labels.

    Source: Edgington & Onghena 2007, "Randomization tests"; Phipson & Smyth 2010 for the count.
    """
    shapes = {confusions.shape[1:] for pair in pairs for confusions in pair}
    if len(shapes) > 1:
        raise ValueError(f"confusions of {sorted(shapes)} (artists, labels, labels); compare models on the same songs")
    if not pairs:
        return np.empty((0, len(metrics)))
    n_artists = shapes.pop()[0]
    means = [[confusions.mean(axis=0).reshape(n_artists, -1) for confusions in pair] for pair in pairs]
    observed = np.stack([_swapped_difference(a, b, np.zeros((1, n_artists)), metrics) for a, b in means])
    generator = np.random.default_rng(seed)
    as_large = np.zeros((len(pairs), len(metrics)))
    block = max(1, BLOCK_CELLS // n_artists)
    for start in range(0, n_permutations, block):
        shape = (min(block, n_permutations - start), n_artists)
        swaps = generator.integers(0, 2, size=shape, dtype=np.int8).astype(float)
        for pair, (a, b) in enumerate(means):
            found = _swapped_difference(a, b, swaps, metrics)
            as_large[pair] += (np.abs(found) >= np.abs(observed[pair]) - ROUNDING).sum(axis=1)
    return (1 + as_large) / (1 + n_permutations)


def holm(p_values: Sequence[float]) -> Float[np.ndarray, " comparisons"]:
    """p-values adjusted for a family of comparisons, in the order given.

    Rejecting those below 5 % rejects any true hypothesis of the family in at most 5 % of cases.

    Raises:
        ValueError: a p-value outside [0, 1].

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    p = np.asarray(p_values, dtype=float)
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p-values {p.tolist()} are not all in [0, 1]")
    order = np.argsort(p)
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted


def corrected_resampled_t_test(
    differences: Float[np.ndarray, " trainings"], test_to_train: float, confidence: float = 0.95
) -> TTest:
    """t-test of the differences of two models over folds or repeated splits, whose training songs overlap.

    Unlike the other tests it counts the noise of training. Its variance is widened by the overlap: that of a mean of
    independent differences would be far too small.

    Args:
        differences: score of model a minus that of model b, one a fold (and split).
        test_to_train: test songs over training songs of a fold.

    Raises:
        ValueError: fewer than two differences, or a ratio that is not positive.

    Source: Nadeau & Bengio 2003, "Inference for the generalization error", section 5.
    """
    n = len(differences)
    if n < 2 or not test_to_train > 0:
        raise ValueError(
            f"{n} differences and test/train = {test_to_train:g}: give at least two folds and a positive ratio"
        )
    mean, variance = float(differences.mean()), float(differences.var(ddof=1))
    error = np.sqrt((1 / n + test_to_train) * variance)
    half = float(stdtrit(n - 1, (1 + confidence) / 2) * error)
    if error == 0:
        return TTest(Interval(mean, mean, mean), p=1.0 if mean == 0 else 0.0)
    return TTest(Interval(mean, mean - half, mean + half), p=float(2 * stdtr(n - 1, -abs(mean) / error)))


def _swapped_difference(
    a: Float[np.ndarray, "artists cells"],
    b: Float[np.ndarray, "artists cells"],
    swaps: Float[np.ndarray, "permutations artists"],
    metrics: Sequence[Metric],
) -> Float[np.ndarray, "metrics permutations"]:
    """Metrics of the first model minus those of the second, with the models swapped for artists with a 1 in `swaps`."""
    gains = swaps @ (b - a)  # what the first model gains and the second loses
    n_labels = round(a.shape[1] ** 0.5)
    of_a, of_b = (cells.reshape(-1, n_labels, n_labels) for cells in (a.sum(axis=0) + gains, b.sum(axis=0) - gains))
    return np.stack([metric(of_a) - metric(of_b) for metric in metrics])
