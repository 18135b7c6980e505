"""What the loop refuses: nothing to train, training that diverges, a precision or processes that are not there."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from research.data.dataset import SongDataset
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import LyricsConfig
from research.runs import RunFolder
from research.training.config import TrainConfig
from research.training.loop import fit
from research.training.machine import make_accelerator, process_state

TRAIN = TrainConfig(epochs=2, precision="fp32", class_weights="none")


@pytest.fixture
def words(small_songs, tiny_bert):
    """A model of words, and some songs with words to train on and to validate on."""
    config = ModelConfig(audio=None, lyrics=LyricsConfig(model=str(tiny_bert)), dim=16)
    songs = SongDataset(small_songs, np.flatnonzero(small_songs.has_lyrics)[:8], augmentation=TRAIN.augmentation)
    return MoodClassifier(config, n_labels=4, n_mels=32), songs, SongDataset(small_songs, songs.rows)


@pytest.mark.parametrize("change", [{"epochs": 0}, {"patience": 0}])
def test_no_training_at_all_is_refused(words, tmp_path, change):
    with pytest.raises(ValueError, match="give at least 1 of each"):
        fit(*words, replace(TRAIN, **change), RunFolder.open(tmp_path, {}))


def test_training_that_diverges_stops_with_the_next_step(words, tmp_path):
    with torch.no_grad():
        words[0].join.head.bias[0] = torch.nan
    run = RunFolder.open(tmp_path, {})
    with pytest.raises(ValueError, match=r"training diverged in epoch 1 \(loss nan\); lower the learning rates"):
        fit(*words, TRAIN, run)
    assert run.load_checkpoint() is None


def test_fp16_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="fp16 needs a GPU; use bf16, fp32 or auto"):
        make_accelerator(TrainConfig(precision="fp16"))


def test_processes_that_do_not_find_each_other_are_refused(monkeypatch):
    assert process_state().num_processes == 1
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match=r"2 processes were launched, but each runs alone; .* ACCELERATE_USE_CPU=true"):
        process_state()
