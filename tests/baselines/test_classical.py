"""Settings and certainty are chosen without the test songs, and runs are written as every model writes them."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from baselines.classical import (
    Answers,
    Baseline,
    Config,
    _decisions,
    fit_and_answer,
    mood_shares,
    run_baseline,
    song_targets,
)
from research.reports.predictions import read_runs
from research.splits.folds import artist_folds
from research.tracks import read_tracks

GRID = [{"C": (0.1, 1.0)}]


def features(tracks, noise=1.0, seed=0):
    """One number a mood, larger for the song's own."""
    generator = np.random.default_rng(seed)
    return np.eye(3)[song_targets(tracks)] + noise * generator.standard_normal((len(tracks), 3))


def answer(tracks, values, usable=None, seed=0):
    usable = np.ones(len(tracks), dtype=bool) if usable is None else usable
    return fit_and_answer(LogisticRegression(), GRID, values, usable, tracks, artist_folds(tracks, 3)[0], seed)


def test_easy_songs_are_right_and_probabilities_sum_to_one(easy_tracks):
    split, found = artist_folds(easy_tracks, 3)[0], answer(easy_tracks, features(easy_tracks, noise=0.1))
    np.testing.assert_array_equal(found.test.argmax(axis=1), song_targets(easy_tracks)[split.test])
    np.testing.assert_allclose(found.test.sum(axis=1), 1, rtol=1e-9)  # 64-bit softmax of three
    assert found.chosen["C"] in GRID[0]["C"]


def test_test_songs_choose_nothing(easy_tracks):
    split, values = artist_folds(easy_tracks, 3)[0], features(easy_tracks)
    before = answer(easy_tracks, values)
    spoilt = values.copy()
    spoilt[split.test] = 1e3
    easy_tracks.frame.loc[split.test[1:], "mood"] = "sad"
    after = fit_and_answer(LogisticRegression(), GRID, spoilt, np.ones(60, dtype=bool), easy_tracks, split, 0)
    np.testing.assert_array_equal(after.valid, before.valid)
    assert after.chosen == before.chosen


def test_validation_songs_do_not_fit_their_own_answers(easy_tracks):
    split, values = artist_folds(easy_tracks, 3)[0], features(easy_tracks)
    train = LogisticRegression(C=answer(easy_tracks, values).chosen["C"])
    train.fit(values[split.train], song_targets(easy_tracks)[split.train])
    found = answer(easy_tracks, values)
    expected = softmax(train.decision_function(values[split.valid]) / found.chosen["temperature"], axis=1)
    np.testing.assert_allclose(found.valid, expected, rtol=1e-9)  # the same sums in the same order


def test_a_song_without_features_gets_the_shares(easy_tracks):
    split, usable = artist_folds(easy_tracks, 3)[0], np.ones(60, dtype=bool)
    usable[split.test[4]] = False
    found = answer(easy_tracks, features(easy_tracks), usable).test
    shares = mood_shares(easy_tracks, np.concatenate([split.train, split.valid]))
    np.testing.assert_allclose(found[4], shares, rtol=1e-12)
    assert np.abs(found[3] - shares).max() > 0.01


def test_two_moods_are_logistic_regressions_own_probabilities():
    generator = np.random.default_rng(0)
    values, targets = generator.standard_normal((40, 2)), generator.integers(2, size=40)
    model = LogisticRegression().fit(values, targets)
    np.testing.assert_allclose(softmax(_decisions(model, values), axis=1), model.predict_proba(values), rtol=1e-9)


def test_a_mood_by_one_artist_is_refused(easy_tracks):
    split = artist_folds(easy_tracks, 3)[0]
    rows = np.concatenate([split.train, split.valid])
    sad = [row for row in rows if easy_tracks.frame["mood"][row] == "sad"]
    easy_tracks.frame.loc[sad, "artist"] = "one"
    with pytest.raises(ValueError, match=r"easy: settings cannot be chosen .*sad 1\).*each mood needs two"):
        fit_and_answer(
            LogisticRegression(), GRID, features(easy_tracks), np.ones(60, dtype=bool), easy_tracks, split, 0
        )


def thirds(n):
    return np.tile([0.5, 0.5, 0.0, 0.0], (n, 1))


@pytest.fixture
def coin():
    """A baseline that counts its answers."""
    calls = []

    def prepare(tracks, config):
        def answer(split, seed):
            calls.append(split.fold)
            return Answers(thirds(len(split.valid)), thirds(len(split.test)), {"width": 2})

        return answer

    return Baseline("coin", {"sides": 2}, prepare), calls


def test_runs_are_read_by_the_reports_and_kept(coin, disk_table, tmp_path, capsys):
    baseline, calls = coin
    config = Config(tracks=disk_table, out=tmp_path / "runs", folds=3, seed=5)
    run_baseline(baseline, config)
    folders = sorted((tmp_path / "runs").iterdir())
    assert [folder.name for folder in folders] == [f"coin-fold{fold}-seed5" for fold in range(3)]
    runs = read_runs(folders)
    assert sum(len(run.predictions) for run in runs) == len(read_tracks(disk_table))
    assert all(run.result["width"] == 2 for run in runs)
    assert runs[0].config["model"] == {"sides": 2}
    logits = np.stack(pd.read_parquet(folders[0] / "predictions.parquet")["logits"])
    np.testing.assert_allclose(np.exp(logits[0]), [0.5, 0.5, 1e-6, 1e-6], rtol=1e-5)  # float32 logarithms
    run_baseline(baseline, config)
    assert calls == [0, 1, 2]
    assert "finished before, kept" in capsys.readouterr().out


def test_other_settings_in_the_same_place_are_refused(coin, disk_table, tmp_path):
    baseline, _ = coin
    config = Config(tracks=disk_table, out=tmp_path / "runs", folds=2)
    run_baseline(baseline, config)
    with pytest.raises(ValueError, match=r"another run \(model.sides was 2, now 3\); choose another --out"):
        run_baseline(Baseline("coin", {"sides": 3}, baseline.prepare), config)


def test_a_refusal_leaves_no_run_behind(disk_table, tmp_path):
    def prepare(tracks, config):
        raise ValueError("nothing to go on")

    with pytest.raises(ValueError, match="nothing to go on"):
        run_baseline(Baseline("none", {}, prepare), Config(tracks=disk_table, out=tmp_path / "runs", folds=2))
    assert not (tmp_path / "runs").exists()


def test_descriptions_are_json(coin, disk_table, tmp_path):
    run_baseline(coin[0], Config(tracks=disk_table, out=tmp_path / "runs", protocol="official"))
    config = json.loads((tmp_path / "runs" / "coin-fold0-seed0" / "config.json").read_text())
    assert (config["protocol"], config["n_folds"], config["corpus"]["synthetic"]) == ("official", 1, True)
