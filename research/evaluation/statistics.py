"""Intervals of scores and of their differences, with the artist as the unit that was sampled.

Songs of one artist are alike, so an interval that treats them as independent comes out too narrow: the bootstraps here
draw artists, with all their songs, with replacement. Source: Davison & Hinkley 1997, section 3.8 (cluster resampling).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.special import ndtri

from research.metrics.moods import check_labels

Metric = Callable[[np.ndarray], np.ndarray]
"""Confusion matrices (..., labels, labels) to scores (...), such as `research.metrics.moods.confusion_macro_f1`."""
Labels = Int[np.ndarray, " songs"]
Predictions = Int[np.ndarray, "*seeds songs"]
ArtistConfusions = Int[np.ndarray, "seeds artists labels labels"]

N_RESAMPLES = 10_000
BLOCK_CELLS = 4_000_000
"""Weights (resamples x artists) held at once: 32 MB, so that a corpus of many artists fits in memory."""


@dataclass(frozen=True)
class Interval:
    """An estimate between the limits of its confidence interval."""

    estimate: float
    low: float
    high: float


def wilson_interval(successes: float, n: int, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion; takes the n trials as independent.

    Args:
        successes: 0 to n; a mean over several trainings may be fractional.

    Raises:
        ValueError: no trials, or successes outside 0 .. n.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes of {n}: give 0 .. n successes of at least one trial")
    share, z = float(successes / n), float(ndtri((1 + confidence) / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * float(np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)))
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def artist_confusions(
    targets: Labels, predictions: Predictions, artists: Sequence[str], n_labels: int
) -> ArtistConfusions:
    """Confusion matrix (rows true) of each artist's songs, by seed.

    Args:
        predictions: one row per seed (training repeat) over the same songs, or a single row.
        artists: who made each song.

    Raises:
        ValueError: lengths differ, or a label lies outside 0 .. n_labels - 1.
    """
    by_seed = np.atleast_2d(predictions)
    if not len(targets) == len(artists) == by_seed.shape[1]:
        raise ValueError(
            f"{len(targets)} targets, {len(artists)} artists, {by_seed.shape[1]} predictions; give one of each per song"
        )
    check_labels("targets", targets, n_labels)
    check_labels("predictions", by_seed.ravel(), n_labels)
    names, artist_of_song = np.unique(np.asarray(artists, dtype=str), return_inverse=True)
    shape = (len(by_seed), len(names), n_labels, n_labels)
    seed_of_row = np.arange(len(by_seed))[:, None]
    cells = np.ravel_multi_index(np.broadcast_arrays(seed_of_row, artist_of_song, targets, by_seed), shape)
    return np.bincount(cells.ravel(), minlength=np.prod(shape)).reshape(shape)


def artist_draws(
    confusions: Sequence[ArtistConfusions],
    metrics: Sequence[Metric],
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
) -> Float[np.ndarray, "models metrics resamples"]:
    """Metrics of several models, averaged over seeds, each time artists are drawn with replacement.

    The same artists are drawn for every model (and again in every call with as many artists and the same seed), so the
    difference of two rows is a draw of the paired difference.

    Args:
        confusions: one entry a model, over the same artists.

    Raises:
        ValueError: fewer than two artists.
    """
    blocks = []
    for weights in _weights(confusions[0].shape[1], seed, n_resamples):
        blocks.append(np.stack([_scores(of_model, metrics, weights) for of_model in confusions]))
    return np.concatenate(blocks, axis=-1)


def percentile_interval(estimate: float, draws: Float[np.ndarray, " resamples"], confidence: float = 0.95) -> Interval:
    """The estimate between the percentiles of its resampled values."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(estimate), float(low), float(high))


def artist_bootstrap(
    confusions: ArtistConfusions,
    metric: Metric,
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of a metric, averaged over seeds, when artists are drawn with replacement.

    The seeds are held fixed: the interval tells of other songs, not of training again.

    Raises:
        ValueError: fewer than two artists.
    """
    (draws,) = artist_draws([confusions], [metric], seed=seed, n_resamples=n_resamples)[0]
    return percentile_interval(_scores(confusions, [metric]).item(), draws, confidence)


def paired_difference(
    targets: Labels,
    predictions_a: Predictions,
    predictions_b: Predictions,
    artists: Sequence[str],
    metric: Metric,
    *,
    seed: int = 0,
    n_resamples: int = N_RESAMPLES,
    confidence: float = 0.95,
) -> Interval:
    """Percentile interval of metric(a) - metric(b), both scored on the same drawn artists.

    Args:
        predictions_a: one row per seed over the songs of `targets`; the two models may have different numbers of seeds.

    Raises:
        ValueError: fewer than two artists, or lengths or labels that do not fit together.
    """
    n_labels = int(max(targets.max(), predictions_a.max(), predictions_b.max())) + 1
    a, b = (artist_confusions(targets, labels, artists, n_labels) for labels in (predictions_a, predictions_b))
    of_a, of_b = artist_draws([a, b], [metric], seed=seed, n_resamples=n_resamples)[:, 0]
    return percentile_interval((_scores(a, [metric]) - _scores(b, [metric])).item(), of_a - of_b, confidence)


def independent_difference(a: Interval, b: Interval) -> Interval:
    """Interval of a - b from the intervals of two estimates on different songs.

    Source: Newcombe 1998, "Interval estimation for the difference between independent proportions" (method 10 if both
    are Wilson intervals); Zou & Donner 2008 for intervals of any kind.
    """
    difference = a.estimate - b.estimate
    below = np.hypot(a.estimate - a.low, b.high - b.estimate)
    above = np.hypot(a.high - a.estimate, b.estimate - b.low)
    return Interval(difference, difference - float(below), difference + float(above))


def _scores(
    confusions: ArtistConfusions, metrics: Sequence[Metric], weights: np.ndarray | None = None
) -> Float[np.ndarray, "metrics resamples"]:
    """Metrics averaged over seeds, of each row of weights (resamples, artists); every artist once by default."""
    n_seeds, n_artists, n_labels, _ = confusions.shape
    weights = np.ones((1, n_artists)) if weights is None else weights
    # All seeds in one product: twice as fast as one each.
    cells = confusions.reshape(n_seeds, n_artists, -1).transpose(1, 0, 2).reshape(n_artists, -1).astype(float)
    by_seed = (weights @ cells).reshape(-1, n_seeds, n_labels, n_labels)
    return np.stack([metric(by_seed).mean(axis=1) for metric in metrics])


def _weights(n_artists: int, seed: int, n_resamples: int) -> Iterator[np.ndarray]:
    """How often each artist is drawn, (resamples, artists), in blocks."""
    if n_artists < 2:
        raise ValueError(f"{n_artists} artist: an interval over artists needs at least two; test on more artists")
    generator = np.random.default_rng(seed)
    block = max(1, BLOCK_CELLS // n_artists)
    for start in range(0, n_resamples, block):
        rows = min(block, n_resamples - start)
        # Floats, because numpy multiplies integer matrices without BLAS.
        yield generator.multinomial(n_artists, np.full(n_artists, 1 / n_artists), size=rows).astype(float)
