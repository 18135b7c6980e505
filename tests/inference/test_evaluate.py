"""`mood evaluate`: which songs are scored, and how."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research.cli import main
from research.commands.evaluate import class_scores
from research.runs import RunFolder


def test_evaluation_of_the_own_corpus_is_that_of_the_test_songs(trained, small_table, capsys):
    run, _ = trained
    assert main(["evaluate", str(run.path), "--tracks", str(small_table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    tested = pd.read_parquet(run.path / "predictions.parquet").query("split == 'test'")
    logits = np.stack(tested["logits"].to_list())
    right = logits.argmax(axis=1) == tested["target"]
    close = np.sort(logits, axis=1)[:, -1] - np.sort(logits, axis=1)[:, -2] < 0.02  # float16 of the store may decide
    assert found["songs"] == len(tested)
    assert abs(found["accuracy"]["estimate"] - right.mean()) <= close.mean()
    assert np.sum(found["confusion"]) == len(tested)
    assert main(["evaluate", str(run.path), "--tracks", str(small_table)]) == 0
    assert "the run's own test songs" in capsys.readouterr().out


@pytest.fixture
def changed(trained, monkeypatch):
    """Puts another table in the place of the one the run was trained on: fewer test songs, one retitled."""
    run, songs = trained
    tested = pd.read_parquet(run.path / "predictions.parquet").query("split == 'test'")["track_id"]

    def put(kept):
        frame = songs.tracks.frame
        frame = frame[~frame["track_id"].isin(tested) | frame["track_id"].isin(tested[:kept])].reset_index(drop=True)
        table = replace(songs.tracks, frame=frame.assign(title=["another", *frame["title"][1:]]))
        monkeypatch.setattr("research.commands.evaluate.read_tracks", lambda _: table)

    return put


def test_of_a_table_that_changed_no_song_the_run_learned_from_is_scored(trained, small_table, changed, capsys):
    asked = ["evaluate", str(trained[0].path), "--tracks", str(small_table)]
    changed(kept=20)
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["songs"] == 20
    assert "left out: 22 songs of the table, by artists that the run learned from" in found["which"]
    changed(kept=0)
    assert main(asked) == 2
    assert "learned from all artists of synthetic" in capsys.readouterr().err


def test_of_a_run_that_names_no_artists_only_songs_it_was_tested_on_are_scored(
    trained, small_table, changed, tmp_path, capsys
):
    run = RunFolder.open(tmp_path / "run", trained[0].config)
    for name in ("model.safetensors", "predictions.parquet"):
        (run.path / name).write_bytes((trained[0].path / name).read_bytes())
    asked = ["evaluate", str(run.path), "--tracks", str(small_table)]
    changed(kept=20)
    assert main([*asked, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["songs"] == 20  # and none of the 22 that it was trained and validated on
    assert "20 of 23 are left in a table that changed" in found["which"]
    changed(kept=0)
    assert main(asked) == 2
    assert "none of the 23 songs" in capsys.readouterr().err


def test_a_run_that_was_interrupted_is_not_scored(trained, small_table, tmp_path, capsys):
    run = RunFolder.open(tmp_path / "run", trained[0].config)
    run.weights.write_bytes(trained[0].weights.read_bytes())
    assert main(["evaluate", str(run.path), "--tracks", str(small_table)]) == 2
    assert f"{run.path} is not finished" in capsys.readouterr().err


def test_that_the_epoch_was_picked_on_these_songs_is_told(trained, small_table, tmp_path, capsys):
    run = RunFolder.open(tmp_path / "run", {**trained[0].config, "selected_on": "test"})
    for name in ("model.safetensors", "predictions.parquet"):
        (run.path / name).write_bytes((trained[0].path / name).read_bytes())
    assert main(["evaluate", str(run.path), "--tracks", str(small_table)]) == 0
    assert "23 songs, the run's own test songs, on which its epoch was picked" in capsys.readouterr().out


def test_class_scores_of_a_small_table():  # by hand
    first, second = class_scores(np.array([[3, 1], [2, 0]]))
    assert (first.precision, first.recall, first.songs) == (3 / 5, 3 / 4, 4)
    assert first.f1 == pytest.approx(2 * 3 / (5 + 4))
    assert (second.precision, second.recall, second.f1) == (0, 0, 0)
