"""p-values against scipy, hand computations and simulated pairs of equal models."""

import numpy as np
import pytest
from scipy.stats import binomtest, ttest_1samp

from research.evaluation.significance import artist_permutation, corrected_resampled_t_test, holm, mcnemar
from research.evaluation.statistics import artist_confusions, artist_draws
from research.metrics.moods import confusion_accuracy, confusion_macro_f1


def test_exact_mcnemar_on_ten_discordant_songs():  # by hand: 2 * (C(10,0) + C(10,1)) / 2**10
    assert mcnemar(only_a=1, only_b=9) == pytest.approx(22 / 1024, rel=1e-12)
    assert mcnemar(only_a=0, only_b=0) == 1


@pytest.mark.parametrize(("only_a", "only_b"), [(3, 17), (40, 40), (61, 38)])
def test_mcnemar_is_scipys_sign_test(only_a, only_b):
    # 1e-12: the same sums of binomial terms
    expected = binomtest(only_a, only_a + only_b).pvalue
    assert mcnemar(only_a, only_b) == pytest.approx(expected, rel=1e-12)
    assert mcnemar(only_b, only_a) == pytest.approx(expected, rel=1e-12)


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="-1 and 3 songs: counts are not negative"):
        mcnemar(-1, 3)


def pair(only_a: int, only_b: int, both: int, artists):
    """Confusions of two models on songs of label 0 that are right on so many songs."""
    n = only_a + only_b + both
    a = (np.arange(n) >= only_a + both).astype(int)
    b = ((np.arange(n) >= both) & (np.arange(n) < only_a + both)).astype(int)
    targets = np.zeros(n, dtype=int)
    return tuple(artist_confusions(targets, answers, artists, 2) for answers in (a, b))


def test_swapping_lone_songs_is_the_sign_test():
    a, b = pair(only_a=30, only_b=14, both=60, artists=range(104))
    ((p,),) = artist_permutation([(a, b)], [confusion_accuracy])
    expected = binomtest(14, 44).pvalue
    # Four standard errors of a share of 10,000 permutations.
    assert p == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / 10_000))


def test_artists_of_many_songs_count_once():
    # The same 44 disagreements, all of them by 4 artists who are each decided one way: 2 * 1/2**4 at the least.
    alone, together = (
        artist_permutation([pair(40, 0, 60, artists)], [confusion_accuracy])[0, 0]
        for artists in (range(100), np.r_[np.full(60, 9), np.arange(40) // 10])
    )
    assert alone == pytest.approx(1 / 10_001, rel=1e-12)  # no permutation reaches the observed difference
    assert together == pytest.approx(2 / 16, abs=4 * np.sqrt(0.125 * 0.875 / 10_000))


def test_equal_answers_give_p_of_one_and_swapping_models_changes_nothing():
    generator = np.random.default_rng(0)
    targets, artists = generator.integers(0, 3, 90), generator.integers(0, 40, 90)
    a, b = (artist_confusions(targets, generator.integers(0, 3, (2, 90)), artists, 3) for _ in range(2))
    metrics = [confusion_accuracy, confusion_macro_f1]
    same, forth, back = artist_permutation([(a, a), (a, b), (b, a)], metrics)
    assert same.tolist() == [1, 1]
    assert forth == pytest.approx(back, abs=1e-12)
    assert (artist_permutation([(a, b)], metrics)[0] == forth).all()  # other pairs change nothing
    assert artist_permutation([], metrics).shape == (0, 2)
    with pytest.raises(ValueError, match="compare models on the same songs"):
        artist_permutation([(a, b[:, 1:])], metrics)


def test_holm_by_hand():
    # Sorted .01 .02 .03 .04 times 4 3 2 1 = .04 .06 .06 .04, never falling: .04 .06 .06 .06.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06], abs=1e-12)
    assert holm([0.6, 0.7]).tolist() == [1, 1]
    assert holm([]).tolist() == []
    with pytest.raises(ValueError, match=r"not all in \[0, 1\]"):
        holm([0.5, 1.5])


def test_corrected_t_test_without_overlap_is_scipys_and_by_hand_with_it():
    differences = np.array([0.05, 0.02, -0.01, 0.04, 0.03])
    found, reference = corrected_resampled_t_test(differences, test_to_train=1e-15), ttest_1samp(differences, 0)
    ends = reference.confidence_interval()
    # 1e-9: a ratio that is all but zero
    assert (found.p, found.difference.low, found.difference.high) == pytest.approx((reference.pvalue, *ends), rel=1e-9)
    # By hand, ten-fold: t shrinks by sqrt((1/5) / (1/5 + 1/9)) = sqrt(9/14).
    wider = corrected_resampled_t_test(differences, test_to_train=1 / 9).difference
    assert (wider.high - wider.estimate) / (ends.high - ends.low) * 2 == pytest.approx(np.sqrt(14 / 9), rel=1e-9)
    assert corrected_resampled_t_test(np.zeros(3), 0.25).p == 1
    with pytest.raises(ValueError, match=r"1 differences .* give at least two folds"):
        corrected_resampled_t_test(differences[:1], 0.25)


def test_equal_models_are_called_different_in_five_of_a_hundred_comparisons():
    generator = np.random.default_rng(101)
    n_artists, songs_each, n_comparisons = 120, 3, 1_000
    artists = np.repeat(np.arange(n_artists), songs_each)
    targets = np.zeros(len(artists), dtype=int)
    by_permutation = np.zeros(n_comparisons)
    confusions = []
    for comparison in range(n_comparisons):
        # Each model has its own luck with each artist, beside the artist's being easy or hard for both.
        skill = generator.beta(4, 3, n_artists) * generator.beta(4, 1, (2, n_artists))
        a, b = (
            artist_confusions(targets, (generator.random(len(artists)) >= s[artists]).astype(int), artists, 2)
            for s in skill
        )
        confusions += [a, b]
        by_permutation[comparison] = artist_permutation(
            [(a, b)], [confusion_accuracy], seed=comparison, n_permutations=199
        ).item()
    draws = artist_draws(confusions, [confusion_accuracy], n_resamples=1_000)[:, 0]
    low, high = np.quantile(draws[::2] - draws[1::2], [0.025, 0.975], axis=1)
    # 5 % nominal; 1,000 comparisons have a standard error of 0.7 %.
    assert 0.03 <= (by_permutation < 0.05).mean() <= 0.07
    assert 0.03 <= ((low > 0) | (high < 0)).mean() <= 0.07
