"""The model of all songs: what it learns from, what is said of it, and where it may be scored."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import whole_corpus
from research.cli import main
from research.export.folder import export_run
from research.inference import load_predictor
from research.inference.held_out import held_out_songs
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.models.lyrics import LyricsConfig
from research.reports.predictions import find_runs
from research.tracks import read_tracks

FOLDS = 2


@pytest.fixture(scope="module")
def config(small_table, small_inputs, tiny_bert, tmp_path_factory) -> whole_corpus.Config:
    words = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    return whole_corpus.Config(
        tracks=small_table,
        out=tmp_path_factory.mktemp("runs") / "whole-small",
        folds=FOLDS,
        inputs=small_inputs,
        model=ModelConfig(audio=AudioConfig(frozen=("statistics",)), lyrics=words, dim=8),
        train=replace(whole_corpus.Config.train, epochs=3, seed=1),
    )


@pytest.fixture(scope="module")
def trained(config) -> Path:
    """The run folder of the model of all songs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(config.out.parent)
        whole_corpus.main(config)
    return config.out / "model"


def test_it_learns_from_all_songs_and_keeps_what_each_fold_answered_for_its_test_songs(config, trained):
    tracks, folds = read_tracks(config.tracks), find_runs(config.out)
    assert len(folds) == FOLDS
    assert trained not in folds
    of_folds = pd.concat([pd.read_parquet(fold / "predictions.parquet").query("split == 'test'") for fold in folds])
    kept = pd.read_parquet(trained / "predictions.parquet")
    assert sorted(kept["track_id"]) == sorted(tracks.frame["track_id"])
    assert set(kept["split"]) == {"valid"}
    both = kept.merge(of_folds, on="track_id", suffixes=("", "_fold"))
    np.testing.assert_array_equal(np.stack(both["logits"]), np.stack(both["logits_fold"]))
    predictor = load_predictor(trained)
    assert predictor.run.artists == set(tracks.artist_keys)
    assert predictor.calibrated.songs == len(tracks)
    assert predictor.run.config["protocol"] == "all"
    assert {json.loads((run / "config.json").read_text())["seed"] for run in (*folds, trained)} == {1}


def test_its_card_says_what_the_cross_validation_reached(trained, tmp_path):
    run = load_predictor(trained).run
    export_run(run, tmp_path / "exported", onnx=False)
    card = (tmp_path / "exported" / "README.md").read_text()
    answers = pd.read_parquet(trained / "predictions.parquet")
    right = np.stack(answers["logits"]).argmax(axis=1) == answers["target"]
    assert f"| {len(answers)} | {right.mean():.3f} [" in card
    assert f"Of {FOLDS}-fold cross-validation" in card
    assert "which it never saw" not in card


def test_it_is_scored_on_other_songs_alone(trained, config, tmp_path, capsys):
    export_run(load_predictor(trained).run, tmp_path / "exported", onnx=False)
    for model in (trained, tmp_path / "exported"):
        assert main(["evaluate", str(model), "--tracks", str(config.tracks)]) == 2
        assert "learned from all songs of synthetic" in capsys.readouterr().err
        tracks = read_tracks(config.tracks)
        kept_apart = tracks.frame.assign(artist="a stranger", track_id="new " + tracks.frame["track_id"])
        found = held_out_songs(load_predictor(model), replace(tracks, frame=kept_apart))
        assert found.rows == tuple(range(len(tracks)))


def test_an_epoch_cannot_be_selected_without_validation_songs(config):
    with pytest.raises(ValueError, match=r"select_by macro_f1 needs validation songs; set train.select_by last"):
        whole_corpus.main(replace(config, train=replace(config.train, select_by="macro_f1")))
