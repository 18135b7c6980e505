"""A small corpus' grid and model, for every experiment."""

from pathlib import Path

import pytest

from experiments.grid import Grid
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig
from research.models.lyrics import LyricsConfig


@pytest.fixture
def grid(small_table, small_inputs, tmp_path, monkeypatch) -> Grid:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WANDB_MODE", "disabled")
    return Grid(tracks=small_table, out=Path("runs/question"), folds=2, seeds=1, figures=False, inputs=small_inputs)


@pytest.fixture
def model(tiny_bert) -> ModelConfig:
    words = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    return ModelConfig(audio=AudioConfig(frozen=("statistics",)), lyrics=words, dim=8)
