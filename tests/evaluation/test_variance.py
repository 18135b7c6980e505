"""Spread by source against hand sums and a simulation whose sources are known."""

import numpy as np
import pytest

from research.evaluation.variance import score_spread


def test_spread_by_hand():
    by_fold = np.array([[0.4, 0.6], [0.7, 0.7]])
    found = score_spread(np.array([0.5, 0.7]), by_fold, np.array([0.55, 0.65]))
    # Seeds: deviations of .1 either way, over 1. Folds: variances .02 and 0, their mean .01. Songs as seeds.
    assert (found.seed, found.fold, found.songs) == pytest.approx((np.sqrt(0.02), 0.1, np.sqrt(0.005)), abs=1e-12)
    assert found.of_mean(n_seeds=2) == pytest.approx(np.sqrt(0.005 + 0.02 / 2), abs=1e-12)


def test_what_was_not_repeated_has_no_spread():
    found = score_spread(np.array([0.5]), np.array([[0.5]]), np.array([0.4, 0.6]))
    assert (found.seed, found.fold) == (None, None)
    assert found.of_mean(n_seeds=1) == found.songs
    with pytest.raises(ValueError, match="2 seeds pooled but 1 by fold"):
        score_spread(np.array([0.5, 0.6]), np.array([[0.5]]), np.array([0.4, 0.6]))


def test_simulated_sources_are_found_apart():
    generator = np.random.default_rng(0)
    seeds = generator.normal(0.6, 0.03, 2_000)
    by_fold = seeds[:, None] + generator.normal(0, 0.08, (2_000, 5))
    found = score_spread(seeds, by_fold, generator.normal(0.6, 0.02, 10_000))
    # 5 %: three standard errors of a standard deviation from 2,000 values
    assert (found.seed, found.fold, found.songs) == pytest.approx((0.03, 0.08, 0.02), rel=0.05)
