"""Draws of tag scores: paired across metrics and calls, and artists drawn whole."""

import numpy as np
import pytest

from research.evaluation.tagging import centred_interval, macro_draws
from research.metrics.tags import macro, pr_auc, roc_auc


@pytest.fixture
def songs():
    """80 songs of 40 artists, scores that know something."""
    generator = np.random.default_rng(0)
    truth = (generator.random((80, 4)) < 0.3).astype(float)
    return truth, truth + generator.normal(0, 1, truth.shape), [f"artist {song // 2}" for song in range(80)]


def test_equal_scores_never_differ(songs):
    truth, scores, artists = songs
    first = macro_draws([lambda weights: pr_auc(truth, scores, weights)], artists, n_resamples=300)
    again = macro_draws(
        [lambda weights: roc_auc(truth, scores, weights), lambda weights: pr_auc(truth, 2 * scores, weights)],
        artists,
        n_resamples=300,
    )
    assert np.array_equal(first[0], again[1])


def test_a_draw_is_the_score_of_the_drawn_songs(songs):
    truth, scores, artists = songs
    (draws,) = macro_draws([lambda weights: roc_auc(truth, scores, weights)], artists, seed=5, n_resamples=3)
    # Sorted by name: artist 0, 1, 10, 11, ...
    names = sorted(set(artists))
    times = np.random.default_rng(5).multinomial(40, np.full(40, 1 / 40), size=3)
    for draw, drawn in zip(draws, times, strict=True):
        rows = [song for song in range(80) for _ in range(drawn[names.index(artists[song])])]
        assert draw == pytest.approx(macro(roc_auc(truth[rows], scores[rows])).item(), rel=1e-12)


def test_the_interval_spans_the_estimate_and_narrows_with_songs(songs):
    truth, scores, artists = songs
    widths = []
    for n in (20, 80):
        metric = lambda weights, n=n: roc_auc(truth[:n], scores[:n], weights)  # noqa: E731
        estimate = macro(metric(None)).item()
        interval = centred_interval(estimate, macro_draws([metric], artists[:n], n_resamples=500)[0])
        assert interval.low < estimate < interval.high
        widths.append(interval.high - interval.low)
    assert widths[1] < 0.7 * widths[0]  # half as wide in expectation


def test_intervals_of_average_precision_hold_what_they_promise():
    """95 % intervals of rare tags that are hard to tell, against the mean over many such sets of songs."""
    generator = np.random.default_rng(0)

    def songs():
        truth = (generator.random((120, 10)) < 0.08).astype(float)
        return truth, truth + generator.normal(0, 3, truth.shape)

    expected = np.mean([macro(pr_auc(*songs())).item() for _ in range(1_000)])
    artists = [f"artist {song}" for song in range(120)]
    covered = 0
    for _ in range(100):
        truth, scores = songs()
        (draws,) = macro_draws([lambda w, t=truth, s=scores: pr_auc(t, s, w)], artists, n_resamples=200)
        interval = centred_interval(macro(pr_auc(truth, scores)).item(), draws)
        covered += interval.low <= expected <= interval.high
    # Of 100 such intervals 95 with a standard error of 2.2; three of them. Not centred they hold 85 here.
    assert covered >= 88


def test_one_artist_is_refused(songs):
    truth, scores, _ = songs
    with pytest.raises(ValueError, match="1 artist: an interval over artists needs at least two"):
        macro_draws([lambda weights: roc_auc(truth, scores, weights)], ["Ann"] * 80)
