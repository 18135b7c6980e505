"""A training step on a GPU, without one: torch's fake tensors have a device and a shape, and no values. An operand that
lies elsewhere is an error, and so is whatever the CPU would have to wait for."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensorMode  # what torch.compile traces with

from research.data.augmentation import Augmentation
from research.data.dataset import SongDataset
from research.losses.moods import LOSSES, mood_loss
from research.losses.objective import step_loss
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.fusion import FUSIONS
from research.models.lyrics import LyricsConfig

DROPPED = Augmentation(drop_audio=0.3, drop_lyrics=0.3)


@pytest.fixture
def batch(small_songs, monkeypatch):
    """Eight songs, some without a side, in memory from which a GPU copies: there they are counted."""
    monkeypatch.setattr(torch.Tensor, "pin_memory", torch.Tensor.clone)  # needs a GPU
    batch = next(iter(SongDataset(small_songs, np.arange(8), augmentation=DROPPED).loader(8))).pin_memory()
    assert 0 < batch.has_audio.sum() < 8
    assert 0 < batch.has_lyrics.sum() < 8
    return batch


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("side_loss", [0.0, 0.5])
def test_a_step_stays_on_the_device_and_waits_for_nothing(batch, tiny_bert, fusion, side_loss):
    model = MoodClassifier(ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert)), fusion=fusion), n_labels=4, n_mels=32)
    criterion = mood_loss("cross_entropy", "balanced", 0.1, torch.full((4,), 2))
    with FakeTensorMode(allow_non_fake_inputs=True):
        moved = batch.to("cuda")
        model.to("cuda"), criterion.to("cuda")
        loss = step_loss(model, criterion, moved, side_loss=side_loss, mixup=0.0, swap_lyrics=0.0)
        assert (loss.device.type, loss.dtype) == ("cuda", torch.float32)
        assert model.eval()(moved).shape == (8, 4)


@pytest.mark.parametrize("loss", LOSSES)
def test_no_loss_of_moods_waits(batch, tiny_bert, loss):
    model = MoodClassifier(ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert))), n_labels=4, n_mels=32)
    criterion = mood_loss(loss, "balanced", 0.1, torch.full((4,), 2))
    with FakeTensorMode(allow_non_fake_inputs=True):
        moved, model, criterion = batch.to("cuda"), model.to("cuda"), criterion.to("cuda")
        found = step_loss(model, criterion, moved, side_loss=0.5, mixup=0.0, swap_lyrics=0.0)
    assert (found.device.type, found.shape) == ("cuda", ())


def test_a_step_that_waits_is_told_apart(batch, tiny_bert):
    """How long the longest words are once some are swapped, is counted where the batch lies."""
    model = MoodClassifier(ModelConfig(lyrics=LyricsConfig(model=str(tiny_bert))), n_labels=4, n_mels=32)
    with FakeTensorMode(allow_non_fake_inputs=True):
        moved, model = batch.to("cuda"), model.to("cuda")
        with pytest.raises(DataDependentOutputException):
            step_loss(model, torch.nn.CrossEntropyLoss(), moved, side_loss=0.0, mixup=0.0, swap_lyrics=0.5)


def test_songs_with_a_side_are_counted_anew_where_it_changes(batch):
    silent = replace(batch, has_audio=torch.zeros(8, dtype=torch.bool))
    assert silent.heard.tolist() == []
    assert silent.to("cpu").read.tolist() == batch.read.tolist() == torch.nonzero(batch.has_lyrics).flatten().tolist()
