"""Intervals against scipy, hand sums and simulated corpora."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from research.evaluation import statistics
from research.evaluation.statistics import (
    artist_bootstrap,
    artist_confusions,
    artist_draws,
    independent_difference,
    paired_difference,
    percentile_interval,
    wilson_interval,
)
from research.metrics.moods import confusion_accuracy, confusion_macro_f1, confusion_matrix


def songs(seed: int, n_songs: int = 200, n_artists: int = 80, n_labels: int = 4):
    """Targets, predictions of two models (right for about 6 and 5 songs of 10) and artists."""
    generator = np.random.default_rng(seed)
    targets, artists = generator.integers(0, n_labels, n_songs), generator.integers(0, n_artists, n_songs)
    guesses = generator.integers(0, n_labels, (2, n_songs))
    right = generator.random(n_songs) < np.array([[0.5], [0.35]])
    a, b = np.where(right, targets, guesses)
    return targets, a, b, artists


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (7, 7), (1083, 1803), (3, 611)])
def test_wilson_interval_is_that_of_scipy(successes, n):
    ours, reference = wilson_interval(successes, n, 0.9), binomtest(successes, n).proportion_ci(0.9, method="wilson")
    # 1e-12: the same formula in float64
    assert (ours.low, ours.high) == pytest.approx((reference.low, reference.high), abs=1e-12)
    assert 0 <= ours.low <= ours.estimate == successes / n <= ours.high <= 1


def test_impossible_counts_are_refused():
    with pytest.raises(ValueError, match=r"8 successes of 7: give 0 .. n"):
        wilson_interval(8, 7)


def test_artist_confusions_add_up_to_each_seeds_confusion():
    targets, a, b, artists = songs(seed=0)
    confusions = artist_confusions(targets, np.stack([a, b]), artists, n_labels=4)
    assert (confusions.sum(axis=1)[0] == confusion_matrix(targets, a, 4)).all()
    assert (confusions.sum(axis=1)[1] == confusion_matrix(targets, b, 4)).all()
    first = np.sort(np.unique(artists.astype(str)))[0]
    of_first = artists.astype(str) == first
    assert (confusions[1, 0] == confusion_matrix(targets[of_first], b[of_first], 4)).all()


def test_bootstrap_of_lone_songs_is_binomial():
    # One song per artist: the resampled number of right songs is Binomial(n, accuracy), whose quantiles are exact.
    targets, predictions = np.zeros(150, dtype=int), np.repeat([0, 1], [90, 60])
    confusions = artist_confusions(targets, predictions, range(150), n_labels=2)
    interval = artist_bootstrap(confusions, confusion_accuracy)
    exact = binom.ppf([0.025, 0.975], 150, 90 / 150) / 150
    # One song of 150: quantiles of a discrete variable estimated from 10,000 draws may fall one step beside.
    assert (interval.low, interval.high) == pytest.approx(exact, abs=1 / 150 + 1e-9)
    assert interval.estimate == pytest.approx(0.6, abs=1e-12)


def test_artists_of_many_songs_widen_the_interval():
    targets, predictions = np.zeros(150, dtype=int), np.repeat([0, 1], [90, 60])
    alone, grouped = (
        artist_bootstrap(artist_confusions(targets, predictions, artists, 2), confusion_accuracy)
        for artists in (np.arange(150), np.arange(150) // 10)
    )
    # Artists of 10 songs that are all right or all wrong: 15 units instead of 150, so sqrt(10) = 3.2 times as wide;
    # 20 % for quantiles that move in steps of 1/15.
    ratio = (grouped.high - grouped.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(np.sqrt(10), rel=0.2)


def test_a_model_does_not_differ_from_itself_and_swapping_negates():
    targets, a, b, artists = songs(seed=1)
    same = paired_difference(targets, a, a, artists, confusion_macro_f1)
    assert (same.estimate, same.low, same.high) == (0, 0, 0)
    forth = paired_difference(targets, a, b, artists, confusion_macro_f1)
    back = paired_difference(targets, b, a, artists, confusion_macro_f1)
    # 1e-12: quantiles of negated draws interpolate from the other end
    assert (back.estimate, back.low, back.high) == pytest.approx((-forth.estimate, -forth.high, -forth.low), abs=1e-12)
    assert forth.low < forth.estimate < forth.high


def test_seeds_are_averaged_not_pooled_as_more_songs():
    targets, a, b, artists = songs(seed=2)
    once = paired_difference(targets, a, b, artists, confusion_accuracy)
    thrice = paired_difference(targets, np.stack([a, a, a]), b, artists, confusion_accuracy)
    # 1e-12: a mean over three equal numbers; were seeds taken as songs, the interval would shrink
    assert (thrice.estimate, thrice.low, thrice.high) == pytest.approx((once.estimate, once.low, once.high), abs=1e-12)
    mixed = paired_difference(targets, np.stack([a, b]), b, artists, confusion_accuracy)
    assert mixed.estimate == pytest.approx(once.estimate / 2, abs=1e-12)


def test_blocks_do_not_change_the_draws(monkeypatch):
    targets, a, _, artists = songs(seed=3)
    confusions = artist_confusions(targets, a, artists, 4)
    whole = artist_bootstrap(confusions, confusion_macro_f1, n_resamples=1000)
    monkeypatch.setattr(statistics, "BLOCK_CELLS", 7 * confusions.shape[1])
    assert artist_bootstrap(confusions, confusion_macro_f1, n_resamples=1000) == whole


def test_interval_covers_the_true_accuracy_when_songs_of_an_artist_are_alike():
    generator = np.random.default_rng(4)
    n_repeats, n_artists, songs_each, truth = 1_000, 150, 5, 0.6
    artists, targets = np.repeat(np.arange(n_artists), songs_each), np.zeros(n_artists * songs_each, dtype=int)
    by_artist, by_song = [], []
    for _ in range(n_repeats):
        skill = generator.beta(3 * truth, 3 * (1 - truth), size=n_artists)  # correlation of 1/4 within an artist
        wrong = (generator.random(len(targets)) >= skill[artists]).astype(int)
        by_artist.append(artist_confusions(targets, wrong, artists, 2))
        by_song.append(wilson_interval(int((wrong == 0).sum()), len(wrong)))
    draws = artist_draws(by_artist, [confusion_accuracy], n_resamples=1_000)[:, 0]
    low, high = np.quantile(draws, [0.025, 0.975], axis=1)
    # 95 % nominal; 1,000 repeats have a standard error of 0.7 %.
    assert 0.93 <= ((low <= truth) & (truth <= high)).mean() <= 0.97
    # Design effect 1 + 4/4 = 2: an interval over songs is sqrt(2) too narrow and covers 83 %; three standard errors.
    assert np.mean([i.low <= truth <= i.high for i in by_song]) == pytest.approx(0.83, abs=0.036)


def test_models_drawn_together_are_paired_as_one_by_one():
    targets, a, b, artists = songs(seed=6)
    of_a, of_b = (artist_confusions(targets, labels, artists, 4) for labels in (a, b))
    together = artist_draws([of_a, of_b], [confusion_accuracy, confusion_macro_f1], n_resamples=500)
    assert together.shape == (2, 2, 500)
    alone = artist_draws([of_b], [confusion_macro_f1], n_resamples=500)
    assert (together[1, 1] == alone[0, 0]).all()
    expected = paired_difference(targets, a, b, artists, confusion_macro_f1, n_resamples=500)
    found = percentile_interval(expected.estimate, together[0, 1] - together[1, 1])
    assert (found.low, found.high) == (expected.low, expected.high)


def test_newcombes_printed_examples():
    # Newcombe 1998, table II, method 10: 56/70 - 48/80 and 9/10 - 3/10, printed to four decimals.
    found = independent_difference(wilson_interval(56, 70), wilson_interval(48, 80))
    assert (found.estimate, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    found = independent_difference(wilson_interval(9, 10), wilson_interval(3, 10))
    assert (found.estimate, found.low, found.high) == pytest.approx((0.6, 0.1705, 0.8090), abs=5e-5)


def test_one_artist_gives_no_interval():
    confusions = artist_confusions(np.array([0, 1]), np.array([0, 0]), ["x", "x"], 2)
    with pytest.raises(ValueError, match="1 artist: an interval over artists needs at least two"):
        artist_bootstrap(confusions, confusion_accuracy)


def test_predictions_of_other_songs_are_refused():
    with pytest.raises(ValueError, match="2 targets, 2 artists, 3 predictions; give one of each"):
        artist_confusions(np.array([0, 1]), np.array([0, 0, 1]), ["x", "y"], 2)
