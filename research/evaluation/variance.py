"""How much of a score is chance, by source: training seed, fold, and sampled songs."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class ScoreSpread:
    """Standard deviations of a score by source; None where it was not repeated."""

    seed: float | None
    """Between training seeds, each tested on all folds. If the seed also draws the split, of both together."""
    fold: float | None
    """Between the folds of one seed: different training songs and different, fewer test songs."""
    songs: float
    """Of one seed's score on all folds if other artists had been sampled (bootstrap)."""

    def of_mean(self, n_seeds: int) -> float:
        """Standard deviation of a mean over seeds; without repeats only that of the songs, which is too small."""
        return float(np.hypot(self.songs, (self.seed or 0.0) / np.sqrt(n_seeds)))


def score_spread(
    by_seed: Float[np.ndarray, " seeds"],
    by_fold: Float[np.ndarray, "seeds folds"],
    draws: Float[np.ndarray, " resamples"],
) -> ScoreSpread:
    """Spread of a score by source.

    Args:
        by_seed: score of each seed, its folds pooled.
        by_fold: score of each seed on each of its folds; the seeds may have different folds.
        draws: resampled scores (`statistics.artist_draws`).

    Raises:
        ValueError: scores of different numbers of seeds.
    """
    if len(by_seed) != len(by_fold):
        raise ValueError(f"{len(by_seed)} seeds pooled but {len(by_fold)} by fold; give the same runs")
    n_seeds, n_folds = by_fold.shape
    return ScoreSpread(
        seed=float(by_seed.std(ddof=1)) if n_seeds > 1 else None,
        # Within seeds: the mean of a seed must not count as a difference between folds.
        fold=float(np.sqrt(by_fold.var(axis=1, ddof=1).mean())) if n_folds > 1 else None,
        songs=float(draws.std(ddof=1)),
    )
