"""All baselines on one corpus: who runs, who says why not, and the mean of the two sides."""

import numpy as np
import pandas as pd
import pytest

from baselines import __main__ as program
from baselines.__main__ import BASELINES, main, run_classical
from baselines.classical import Config, run_baseline
from baselines.late_mean import LATE_MEAN
from baselines.majority import MAJORITY
from experiments.compare import find_runs
from research.reports.predictions import read_runs
from research.reports.scores import score_models
from research.tracks import read_tracks, write_tracks


def test_every_baseline_runs_and_is_scored_by_the_reports(disk_table, tmp_path):
    out = tmp_path / "runs"
    assert run_classical(Config(tracks=disk_table, out=out, protocol="official")) == {}
    scores = {score.name: score for score in score_models(read_runs(find_runs(out)))}
    assert set(scores) == {baseline.name for baseline in BASELINES}
    n_test = (read_tracks(disk_table).frame["split"] == "test").sum()
    assert all(len(score.targets) == n_test for score in scores.values())
    audio, lyrics, mean = (
        np.exp(np.stack(pd.read_parquet(out / f"{name}-fold0-seed0" / "predictions.parquet")["logits"]))
        for name in ("audio-svm", "lyrics-tfidf", "late-mean")
    )
    # float32 logarithms; what lies below 1e-6 was lifted to it.
    np.testing.assert_allclose(mean, (audio + lyrics) / 2, rtol=1e-5, atol=2e-6)


def test_majority_answers_the_most_frequent_mood_of_its_training_songs(disk_table, tmp_path):
    run_baseline(MAJORITY, Config(tracks=disk_table, out=tmp_path, protocol="official"))
    tracks = read_tracks(disk_table)
    moods = tracks.frame["mood"][tracks.frame["split"].isin(["train", "valid"])]
    test = pd.read_parquet(tmp_path / "majority-fold0-seed0" / "predictions.parquet").query("split == 'test'")
    expected = [np.log((moods == label).mean()) for label in tracks.corpus.labels]
    np.testing.assert_allclose(np.stack(test["logits"]), np.tile(expected, (len(test), 1)), rtol=1e-6)  # float32


def test_without_words_the_others_still_run(wordless_table, tmp_path, capsys):
    left_out = run_classical(Config(tracks=wordless_table, out=tmp_path / "runs", protocol="official"))
    assert set(left_out) == {"lyrics-lexicon", "lyrics-tfidf", "late-mean"}
    assert "late-mean left out: " in capsys.readouterr().err
    assert {run.parent.name for run in tmp_path.glob("runs/*/predictions.parquet")} == {
        "majority-fold0-seed0",
        "audio-svm-fold0-seed0",
    }


def test_the_mean_asks_for_its_sides(disk_table, tmp_path):
    with pytest.raises(ValueError, match=r"audio-svm-fold0-seed0 is no finished run; run audio-svm .* first"):
        run_baseline(LATE_MEAN, Config(tracks=disk_table, out=tmp_path, folds=2))


def test_a_mood_of_two_songs_or_none_is_named_by_each_baseline(disk_table, tmp_path, capsys):
    tracks = read_tracks(disk_table)
    rare = tracks.corpus.labels[-1]
    songs = tracks.frame.index[tracks.frame["mood"] == rare]
    for kept in (2, 0):
        path = disk_table.parent / f"rare{kept}.parquet"
        write_tracks(path, tracks.frame.drop(index=songs[kept:]), tracks.corpus)
        assert len(run_classical(Config(tracks=path, out=tmp_path / "runs"))) == len(BASELINES)
        assert capsys.readouterr().err.count(f"{rare!r} has {kept} songs, fewer than 5 folds") == len(BASELINES)


def test_a_corpus_that_feeds_nothing_is_refused(disk_table, tmp_path, capsys):
    tracks = read_tracks(disk_table)
    path = disk_table.parent / "nothing_sad.parquet"
    write_tracks(path, tracks.frame[tracks.frame["mood"] != "sad"].reset_index(drop=True), tracks.corpus)
    with pytest.raises(SystemExit, match="no baseline could run; the reasons stand above"):
        main(program.Config(tracks=path, out=tmp_path / "runs"))
    assert capsys.readouterr().err.count("synthetic has no song that is sad") == 4  # two networks, two protocols
