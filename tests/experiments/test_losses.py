"""The loss experiment end to end: the drawn songs, each loss in its runs, the comparison and its calibration."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from experiments.losses import LOSSES, Config, main
from research.models.classifier import ModelConfig
from research.models.lyrics import LyricsConfig
from research.training.config import TrainConfig


@pytest.fixture(scope="module")
def job(small_table, small_inputs, tiny_bert, tmp_path_factory):
    """Every loss for an epoch on two folds of the small corpus, words alone."""
    folder = tmp_path_factory.mktemp("losses")
    config = Config(
        tracks=small_table,
        mix=(("happy", 0.4), ("sad", 0.4), ("angry", 0.2)),
        folds=2,
        seeds=1,
        inputs=small_inputs,
        model=ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert)), dim=16),
        side="lyrics",
        train=TrainConfig(epochs=1, batch_size=8, precision="fp32"),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        main(config)
    return folder, config


def test_every_loss_is_trained_on_the_same_drawn_songs(job):
    folder, _ = job
    runs = sorted(run.name for run in (folder / "runs" / "losses").iterdir())
    assert runs == sorted(f"{name}-fold{fold}-seed0" for name in LOSSES for fold in (0, 1))
    configs = [json.loads((folder / "runs" / "losses" / run / "config.json").read_text()) for run in runs]
    # Of 11 or 12 songs a mood: all of the two frequent ones (11), half as many angry.
    assert {config["corpus"]["name"] for config in configs} == {"synthetic (happy 11, sad 11, angry 5)"}
    assert {tuple(config["labels"]) for config in configs} == {("happy", "angry", "sad")}
    assert {config["model"]["audio"] for config in configs} == {None}
    tested = [
        pd.read_parquet(folder / "runs" / "losses" / run / "predictions.parquet").query("split == 'test'")
        for run in runs
    ]
    assert sum(map(len, tested)) == len(LOSSES) * 27


def test_a_run_has_the_loss_of_its_name(job):
    folder, _ = job
    for name, settings in LOSSES.items():
        train = json.loads((folder / "runs" / "losses" / f"{name}-fold0-seed0" / "config.json").read_text())["train"]
        assert {key: train[key] for key in settings} == settings
    assert len({tuple(settings.items()) for settings in LOSSES.values()}) == len(LOSSES)


def test_the_report_compares_with_cross_entropy_and_tells_calibration(job):
    folder, _ = job
    report = folder / "reports" / "losses"
    differences = pd.read_csv(report / "differences.csv")
    assert {*differences["reference"]} == {"cross-entropy"}
    assert {*differences["model"]} == {*LOSSES} - {"cross-entropy"}
    table = (report / "calibration.md").read_text(encoding="utf-8")
    assert all(f"| {name} |" in table for name in LOSSES)
    assert "| ECE |" in table


def test_a_mood_that_the_corpus_lacks_is_refused(job, tmp_path, monkeypatch):
    _, config = job
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="leaves none that is"):
        main(replace(config, mix=(("happy", 0.5), ("bored", 0.5))))
    assert not (tmp_path / "runs").exists()
