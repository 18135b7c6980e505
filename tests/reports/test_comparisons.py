"""Differences of invented models: whom they are compared with, the numbers, who is left out."""

import numpy as np
import pytest
from scipy import stats

from research.evaluation.significance import artist_permutation, corrected_resampled_t_test, holm, mcnemar
from research.evaluation.statistics import paired_difference
from research.metrics.moods import confusion_accuracy, confusion_macro_f1
from research.reports.comparisons import compare_models, is_single_side, not_compared, reference_sentences
from research.reports.predictions import read_runs
from research.reports.scores import score_models


def test_models_are_compared_with_the_best_single_side(folders):
    scores = score_models(read_runs(folders))
    audio, fusion = compare_models(scores)
    assert [(found.model.name, found.reference.name) for found in (audio, fusion)] == [
        ("audio", "lyrics"),
        ("fusion", "lyrics"),
    ]
    assert fusion.accuracy.interval.estimate == pytest.approx(0.2, abs=1e-12)  # 7 of 10 against 5 of 10
    assert [found.reference.name for found in compare_models(scores, reference="fusion")] == ["fusion", "fusion"]
    with pytest.raises(ValueError, match=r"no model 'best'; choose one of .*'fusion'"):
        compare_models(scores, reference="best")


def test_every_number_is_that_of_its_test(folders):
    scores = score_models(read_runs(folders))
    comparisons = compare_models(scores)
    expected_p = []
    for found in comparisons:
        a, b = found.model, found.reference
        alone = paired_difference(a.targets, a.predictions, b.predictions, a.artists, confusion_macro_f1)
        found_interval = found.macro_f1.interval
        # 1e-12: the same draws, scored with as many labels
        assert (found_interval.estimate, found_interval.low, found_interval.high) == pytest.approx(
            (alone.estimate, alone.low, alone.high), abs=1e-12
        )
        expected_p.append(artist_permutation([(a.confusions(), b.confusions())], [confusion_accuracy]).item())
    assert [found.accuracy.p for found in comparisons] == expected_p
    assert [found.accuracy.p_holm for found in comparisons] == holm(expected_p).tolist()
    fusion = comparisons[1]
    assert fusion.mcnemar_p == mcnemar(2, 0) == 0.5


def test_folds_give_the_t_test_with_their_own_ratio(folders):
    _, fusion = compare_models(score_models(read_runs(folders)))
    # Fold 0: both all right. Fold 1: 2 of 5 against none.
    expected = corrected_resampled_t_test(np.array([0, 0.4]), test_to_train=5 / 2)  # 10 - 5 - 3 validation songs
    assert fusion.over_trainings.p == pytest.approx(expected.p, abs=1e-12)


def test_folds_trained_again_with_another_seed_are_no_further_folds(write_run):
    # Songs right of the five of each fold: (fold 0, fold 1), once a seed.
    right = {"lyrics": [(1, 2), (2, 1)], "fusion": [(2, 5), (5, 3)]}
    runs = [
        write_run(name, fold, seed, right=5 * fold + of_seed[fold])
        for name, of_seeds in right.items()
        for seed, of_seed in enumerate(of_seeds)
        for fold in (0, 1)
    ]
    (found,) = compare_models(score_models(read_runs(runs)), reference="lyrics")
    by_fold = np.array([(1 + 3) / 2, (3 + 2) / 2]) / 5  # two differences, not four
    mean, ratio = by_fold.mean(), 5 / 2  # trained on 10 - 5 - 3 validation songs
    error = np.sqrt((1 / 2 + ratio) * by_fold.var(ddof=1))
    expected = 2 * stats.t.sf(mean / error, df=1)
    assert found.over_trainings.p == pytest.approx(expected, abs=1e-12)
    limits = stats.t.interval(0.95, df=1, loc=mean, scale=error)
    interval = found.over_trainings.difference
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((mean, *limits), abs=1e-9)


def test_the_t_test_knows_how_many_songs_were_trained_on(folders):
    for folder in folders[-2:]:  # those of the model "fusion", on a smaller part
        (folder / "result.json").write_text('{"train_s": 1.5, "train_songs": 1}')
    scores = score_models(read_runs(folders))
    assert [score.test_to_train for score in scores] == [5 / 2, 5 / 2, 5]
    expected = corrected_resampled_t_test(np.array([0, 0.4]), test_to_train=5)
    fusion, reversed_ = (compare_models(scores, reference)[-1] for reference in ("lyrics", "fusion"))
    assert fusion.over_trainings.p == reversed_.over_trainings.p == pytest.approx(expected.p, abs=1e-12)


def test_a_model_with_other_songs_is_not_compared_but_named(folders, write_run):
    scores = score_models(read_runs([*folders, write_run("late", 0)]))
    comparisons = compare_models(scores)
    assert [found.model.name for found in comparisons] == ["audio", "fusion"]
    (sentence,) = not_compared(scores, comparisons)
    assert sentence == "late (artist) is not compared: it was tested on 5 songs, lyrics on 10"


def test_a_flattered_model_is_no_reference(write_run):
    runs = [write_run("audio", 0, right=5, n_folds=1, selected_on="test"), write_run("lyrics", 0, right=3, n_folds=1)]
    (found,) = compare_models(score_models(read_runs(runs)))
    assert (found.model.name, found.reference.name) == ("audio", "lyrics")


def test_without_a_single_side_the_best_is_the_reference(write_run):
    runs = [write_run(name, 0, right=right) for name, right in (("gated", 2), ("late", 4), ("concat", 3))]
    scores = score_models(read_runs(runs))
    assert {found.reference.name for found in compare_models(scores)} == {"late"}
    assert compare_models(scores[:1]) == []


def test_a_reference_that_was_picked_is_said_to_be_flattered(folders, write_run):
    scores = score_models(read_runs([*folders, *(write_run("late", fold, selected_on="test") for fold in (0, 1))]))
    (sentence,) = reference_sentences(compare_models(scores))
    assert sentence.startswith("lyrics (artist) is the reference, the most accurate of 2 models of one modality on")
    assert reference_sentences(compare_models(scores, reference="lyrics")) == []
    # Of fusion and late the latter is flattered and so no candidate.
    assert reference_sentences(compare_models(scores[2:])) == []


def test_the_order_of_runs_does_not_matter(folders):
    forth, back = (
        [(found.model.name, found.accuracy, found.macro_f1) for found in compare_models(score_models(read_runs(order)))]
        for order in (folders, [*folders[:4], folders[5], folders[4]])
    )
    assert forth == back


@pytest.mark.parametrize(
    ("name", "single"), [("audio", True), ("lyrics-tfidf", True), ("audio+lyrics", False), ("late", False)]
)
def test_single_sides_are_known_by_name(name, single):
    assert is_single_side(name) is single
