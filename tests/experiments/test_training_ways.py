"""Both ways of training end to end on 8 invented songs: what they share, and in what they differ."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import training_ways
from experiments.grid import Grid
from experiments.training_ways import REFERENCE, WAYS
from research.tracks import TrackTable, read_tracks, write_tracks


@pytest.fixture
def eight_songs(small_table, tmp_path) -> TrackTable:
    """Four happy and four sad songs, each by an artist of its own, without words; two of each are trained on."""
    tracks = read_tracks(small_table)
    two = replace(tracks.corpus, labels=("happy", "sad"))
    frame = tracks.frame[tracks.frame["mood"].isin(two.labels)].groupby("mood").head(4)
    frame = frame.sort_values("mood").assign(artist=[f"artist {song}" for song in range(8)], lyrics=None)
    frame["split"] = ["train", "train", "valid", "test"] * 2
    for audio in frame["audio"]:
        (tmp_path / "eight" / audio).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(tracks.folder / audio, tmp_path / "eight" / audio)
    return write_tracks(tmp_path / "eight" / "tracks.parquet", frame.reset_index(drop=True), two)


@pytest.fixture
def grid(eight_songs, small_inputs, tmp_path, monkeypatch) -> Grid:
    """The three ways, one epoch each."""
    monkeypatch.chdir(tmp_path)
    ways = {name: (model, replace(train, epochs=1)) for name, (model, train) in WAYS.items()}
    monkeypatch.setattr(training_ways, "WAYS", ways)
    places = {"tracks": eight_songs.folder / "tracks.parquet", "out": Path("runs/ways")}
    return Grid(**places, protocol="official", seeds=1, figures=False, inputs=small_inputs)


def test_each_way_answers_the_same_songs_in_its_own_precision(grid, eight_songs):
    training_ways.main(training_ways.Config(grid=grid))
    tested, answers, inputs = {*eight_songs.frame["track_id"][eight_songs.frame["split"] == "test"]}, {}, {}
    for name in WAYS:
        folder = grid.out / f"{name}-official-fold0-seed0"
        frame = pd.read_parquet(folder / "predictions.parquet")
        test = frame[frame["split"] == "test"].sort_values("track_id")
        assert {*test["track_id"]} == tested
        answers[name] = np.stack(test["logits"])
        inputs[name] = json.loads((folder / "config.json").read_text())["inputs"]
    assert inputs[REFERENCE]["mel"] == inputs["windows-bf16"]["mel"]
    # The same first weights, songs and order: rounding alone (2**-8 of logits of order 1) tells them apart, which it
    # can only if one process computed in both precisions, one after the other.
    rounded, exact = answers["windows-bf16"], answers["windows-fp32"]
    assert not np.array_equal(rounded, exact)
    np.testing.assert_allclose(rounded, exact, rtol=0, atol=0.1)
    differences = pd.read_csv(grid.reports / "differences.csv")
    assert {*differences["model"]} == {"windows-bf16", "windows-fp32"}
    assert {*differences["reference"]} == {REFERENCE}


def test_an_interrupted_job_has_pairs_to_compare(grid, eight_songs, monkeypatch):
    begun = []
    for run in ("run_parts", "run_trial"):
        monkeypatch.setattr(training_ways, run, lambda _, trial, *__: begun.append((trial.name, trial.train.seed)))
    training_ways.run_ways(
        replace(grid, seeds=2), training_ways.load_corpus(grid.tracks, grid.inputs, training_ways.SOUND), WAYS
    )
    assert begun == [(name, seed) for seed in (0, 1) for name in WAYS]


def test_the_ways_share_epochs_and_batches():
    trains = [train for _, train in WAYS.values()]
    for shared in ("epochs", "patience", "batch_size", "select_by"):
        assert len({getattr(train, shared) for train in trains}) == 1
    (model, train), (same_model, exact) = WAYS["windows-bf16"], WAYS["windows-fp32"]
    assert (model, replace(train, precision="fp32")) == (same_model, exact)
