"""Tag scores on resampled artists, and the resulting intervals of scores and of differences."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from jaxtyping import Float

from research.evaluation.statistics import Interval, percentile_interval
from research.metrics.tags import ByTag, Weights, macro

Metric = Callable[[Weights | None], ByTag]
"""Score of each tag under song weights (none: every song once), such as
`lambda weights: pr_auc(truth, scores, weights)`."""
N_RESAMPLES = 2_000
"""Fewer than for moods: ranking 100 tags of 700 songs ten thousand times takes a minute."""
BLOCK = 200
"""Resamples ranked at once: 1 MB an array at 700 songs, so that it stays in the cache."""


def macro_draws(
    metrics: Sequence[Metric], artists: Sequence[str], *, seed: int = 0, n_resamples: int = N_RESAMPLES
) -> Float[np.ndarray, "metrics resamples"]:
    """Macro average of each metric, each time artists are drawn with replacement.

    All metrics see the same artists, also in another call with the same songs and seed, so that the difference of two
    rows is a draw of the paired difference.

    Args:
        metrics: each over the same songs in the same order.
        artists: who made each song.

    Raises:
        ValueError: fewer than two artists.
    """
    blocks = [
        np.stack([macro(metric(weights)) for metric in metrics])
        for weights in _song_weights(artists, seed, n_resamples)
    ]
    return np.concatenate(blocks, axis=1)


def centred_interval(estimate: float, draws: Float[np.ndarray, " resamples"], confidence: float = 0.95) -> Interval:
    """Percentile interval of draws that are first shifted to have the estimate as their mean.

    Average precision is higher under resampling: a song that is drawn twice is next to itself in the ranking. The
    plain percentile interval can then lie above its own estimate.

    Source: Efron & Tibshirani 1993, "An introduction to the bootstrap", section 10.2, for the bias.
    """
    return percentile_interval(estimate, draws - draws.mean() + estimate, confidence)


def _song_weights(artists: Sequence[str], seed: int, n_resamples: int) -> Iterator[Weights]:
    names, artist_of_song = np.unique(np.asarray(artists, dtype=str), return_inverse=True)
    if len(names) < 2:
        raise ValueError(f"{len(names)} artist: an interval over artists needs at least two; test on more artists")
    generator = np.random.default_rng(seed)
    for start in range(0, n_resamples, BLOCK):
        rows = min(BLOCK, n_resamples - start)
        drawn = generator.multinomial(len(names), np.full(len(names), 1 / len(names)), size=rows)
        yield drawn[:, artist_of_song].astype(float)
