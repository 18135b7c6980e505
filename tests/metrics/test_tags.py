"""Tag scores against scikit-learn, by hand, and as plain repetition of songs where they are weighted."""

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from research.metrics.tags import chance_pr_auc, macro, pr_auc, roc_auc, tag_f1


def random_tags(songs: int = 60, tags: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Scores of few values, so that many are equal."""
    generator = np.random.default_rng(0)
    truth = (generator.random((songs, tags)) < 0.3).astype(float)
    return truth, np.round(truth + generator.normal(0, 1.5, truth.shape))


def test_areas_and_f1_are_scikit_learns():
    truth, scores = random_tags()
    np.testing.assert_allclose(roc_auc(truth, scores)[0], roc_auc_score(truth, scores, average=None), rtol=1e-12)
    expected = average_precision_score(truth, scores, average=None)
    np.testing.assert_allclose(pr_auc(truth, scores)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(tag_f1(truth, scores > 0)[0], f1_score(truth, scores > 0, average=None), rtol=1e-12)


def test_a_weighted_song_is_a_repeated_song():
    truth, scores = random_tags()
    counts = np.random.default_rng(1).multinomial(60, np.full(60, 1 / 60), size=4)
    for by_weight, metric, answers in (
        (roc_auc(truth, scores, counts.astype(float)), roc_auc, scores),
        (pr_auc(truth, scores, counts.astype(float)), pr_auc, scores),
        (tag_f1(truth, scores > 0, counts.astype(float)), tag_f1, scores > 0),
    ):
        for row, times in zip(by_weight, counts, strict=True):
            drawn = np.repeat(np.arange(60), times)
            np.testing.assert_allclose(row, metric(truth[drawn], answers[drawn])[0], rtol=1e-12)


def test_areas_by_hand():
    truth, scores = np.array([[1.0], [0.0], [1.0], [0.0]]), np.array([[4.0], [3.0], [2.0], [1.0]])
    assert roc_auc(truth, scores).item() == 3 / 4  # three of four pairs
    assert pr_auc(truth, scores).item() == pytest.approx((1 + 2 / 3) / 2, rel=1e-12)
    assert roc_auc(truth, np.ones((4, 1))).item() == pr_auc(truth, np.ones((4, 1))).item() == 1 / 2


def test_tags_without_both_kinds_of_song_are_passed_over():
    truth = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
    scores = np.array([[2.0, 1.0, 1.0], [1.0, 2.0, 2.0]])
    assert np.isnan(roc_auc(truth, scores)[0]).tolist() == [False, True, True]
    assert np.isnan(pr_auc(truth, scores)[0]).tolist() == [False, True, False]
    assert macro(roc_auc(truth, scores)).item() == 1
    assert np.isnan(tag_f1(truth, scores > 9)[0]).tolist() == [False, True, False]
    assert macro(tag_f1(truth, scores > 9)).item() == 0


@pytest.mark.parametrize("positives", [1, 2, 6])
def test_chance_is_the_mean_over_all_orders(positives):
    truth = np.zeros((6, 1))
    truth[:positives] = 1
    orders = np.array(list(permutations(range(6))), dtype=float)
    by_order = [pr_auc(truth, order[:, None]).item() for order in orders]
    assert chance_pr_auc(truth).item() == pytest.approx(np.mean(by_order), rel=1e-12)


def test_what_cannot_be_scored_is_refused():
    truth, scores = random_tags()
    with pytest.raises(ValueError, match=r"targets of shape \(60, 5\), scores \(60, 4\)"):
        roc_auc(truth, scores[:, :4])
    with pytest.raises(ValueError, match="not all 0 or 1; leave out songs"):
        pr_auc(np.where(truth > 0, np.nan, truth), scores)
    with pytest.raises(ValueError, match="scores are not finite"):
        pr_auc(truth, np.where(truth > 0, np.nan, scores))
    with pytest.raises(ValueError, match="no song has any of the tags"):
        macro(pr_auc(np.zeros((3, 2)), np.ones((3, 2))))
