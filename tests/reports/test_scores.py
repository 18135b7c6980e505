"""Scores of invented runs: the numbers, the marks, the notes."""

import json

import numpy as np
import pandas as pd
import pytest

from research.metrics.moods import accuracy, balanced_accuracy, macro_f1
from research.reports.marks import Mark
from research.reports.predictions import read_runs
from research.reports.scores import score_models
from tests.reports.conftest import RIGHT, TARGETS, answers

ONE_SEED = "one seed: the noise of training is not measured"


def test_folds_are_pooled_and_scored_by_the_metrics(folders):
    audio, lyrics, fusion = score_models(read_runs(folders))
    assert [score.name for score in (audio, lyrics, fusion)] == ["audio", "lyrics", "fusion"]
    for score in (audio, lyrics, fusion):
        guesses = answers(RIGHT[score.name])
        expected = [metric(TARGETS, guesses) for metric in (accuracy, macro_f1, balanced_accuracy)]
        computed = [score.accuracy.estimate, score.macro_f1.estimate, score.balanced_accuracy]
        assert computed == pytest.approx(expected, abs=1e-12)  # the same ratios, averaged over one seed
        assert (score.majority_accuracy, score.train_s, score.parameters, score.n_folds) == (0.4, 3.0, 11, 2)
        assert (score.notes, score.marks, score.fair) == ((ONE_SEED,), (Mark.ONE_SEED,), True)
    # By hand: songs 7 (happy), 8 (sad), 9 (angry) go to the next label.
    assert fusion.confusion.tolist() == [[3, 1, 0], [0, 2, 1], [1, 0, 2]]
    # Fold 0 is all right, fold 1 on 2 of 5 songs: deviations of .3 from .7 either way.
    assert fusion.spread.fold == pytest.approx(np.sqrt(0.18), abs=1e-12)
    assert fusion.test_to_train == 5 / 2  # 5 tested, 10 - 5 - 3 of validation trained on


def test_seeds_are_averaged_and_their_spread_is_noted(write_run):
    runs = [write_run("fusion", fold, seed, right) for fold in (0, 1) for seed, right in ((0, 7), (7, 9))]
    (score,) = score_models(read_runs(runs))
    assert score.accuracy.estimate == pytest.approx((0.7 + 0.9) / 2, abs=1e-12)  # float64 mean
    assert (score.seeds, score.notes, score.marks) == ((0, 7), ("accuracy by seed from .700 to .900",), ())
    assert score.spread.seed == pytest.approx(0.1 * np.sqrt(2), abs=1e-12)
    assert score.confusion.sum() == 20


def test_members_of_one_seed_are_told(write_run):
    runs = [write_run("ensemble", fold, seed, in_every_seed=["svm", "tf-idf"]) for fold in (0, 1) for seed in (0, 1)]
    (score,) = score_models(read_runs(runs))
    assert score.notes == ("accuracy by seed from .300 to .300", "the one seed of svm, tf-idf is in each of them")


def test_missing_runs_are_marked(write_run):
    (score,) = score_models(read_runs([write_run("audio", 0)]))
    assert (score.notes, len(score.targets)) == (("only fold 0 of 2", ONE_SEED), 5)
    assert score.marked_name == "audio \N{DAGGER} \N{PILCROW SIGN}"


def test_an_epoch_picked_on_test_is_marked(write_run):
    (score,) = score_models(read_runs([write_run("audio", 0, n_folds=1, selected_on="test")]))
    assert score.notes[0] == "OPTIMISTIC: the best epoch was picked on the test songs"
    assert Mark.CHOSEN_ON_TEST in score.marks
    assert not score.fair


def test_an_encoder_that_met_the_labels_is_marked(write_run):
    runs = [write_run("audio", fold, met_labels=["musicnn-msd"]) for fold in (0, 1)]
    score, other = score_models(read_runs([*runs, *(write_run("lyrics", fold) for fold in (0, 1))]))
    assert score.notes[0] == "OPTIMISTIC: musicnn-msd learned from the source of the labels"
    assert score.marked_name == "audio \N{DAGGER} \N{DOUBLE VERTICAL LINE}"
    assert (score.fair, other.fair) == (False, True)


def test_artists_on_both_sides_are_counted_and_marked(write_run):
    folders = [write_run("audio", fold, protocol="random") for fold in (0, 1)]
    # Song 5 (fold 1) is now by the artist of song 0, and the artist of songs 6 and 7 stands in its validation part.
    frame = pd.read_parquet(folders[1] / "predictions.parquet")
    frame.loc[(frame["split"] == "test") & (frame["track_id"] == "t5"), "artist"] = "artist 0 of half 0"
    frame.loc[(frame["split"] == "valid") & (frame["track_id"] == "t5"), "artist"] = "artist 3 of half 1"
    frame.to_parquet(folders[1] / "predictions.parquet")
    (score,) = score_models(read_runs(folders))
    # Fold 0: songs 0 and 1; fold 1: songs 5, 6 and 7.
    assert score.notes[0] == "LEAK: 5 of 10 test songs are by artists of training or validation songs"
    assert Mark.LEAK in score.marks
    (alone,) = score_models(read_runs(folders[1:]))
    assert alone.notes[0].startswith("LEAK: at least 2 of 5 test songs")
    again = [write_run("audio", fold, protocol="random", seed=1) for fold in (0, 1)]  # without a leak
    (both,) = score_models(read_runs(folders + again))
    assert both.notes[0].startswith("LEAK: 0 to 5 of 10 test songs")  # of one seed, as many as there are songs


def test_settings_that_differ_under_one_name_are_marked(write_run):
    train = {"epochs": 12, "seed": 0, "augmentation": {"time_mask": 40}}
    other = {"epochs": 12, "seed": 1, "augmentation": {"time_mask": 0}}
    (score,) = score_models(read_runs([write_run("audio", 0, train=train), write_run("audio", 1, train=other)]))
    assert score.notes[0] == "its runs differ in train.augmentation.time_mask (0, 40)"
    assert Mark.MIXED in score.marks


def test_protocols_are_scored_apart(write_run):
    runs = [write_run("audio", 0), write_run("lyrics", 0), write_run("fusion", 1, protocol="official")]
    scores = score_models(read_runs(runs))
    assert [(score.protocol, len(score.targets)) for score in scores] == [("artist", 5)] * 2 + [("official", 5)]
    assert "only fold" not in "".join(scores[2].notes)  # the official split is one fold, though n_folds is 2


def test_damaged_run_folders_are_refused(write_run, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json does not exist; give folders that training wrote"):
        read_runs([tmp_path])
    with pytest.raises(ValueError, match=r"predictions\.parquet: 3 logits for 2 labels"):
        read_runs([write_run("audio", 0, labels=["angry", "happy"])])
    folder = write_run("lyrics", 0)
    frame = pd.read_parquet(folder / "predictions.parquet")
    frame["logits"] = [[np.nan, 0.0, 1.0]] * len(frame)
    frame.to_parquet(folder / "predictions.parquet")
    with pytest.raises(ValueError, match="logits are not finite, training diverged"):
        read_runs([folder])
    frame.assign(split="valid").to_parquet(folder / "predictions.parquet")
    with pytest.raises(ValueError, match="holds no test song"):
        read_runs([folder])
    (folder / "config.json").write_text(json.dumps({"name": "lyrics"}))
    with pytest.raises(ValueError, match=r"config\.json lacks corpus, labels, protocol"):
        read_runs([folder])
