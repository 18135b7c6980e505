"""The moving average of weights: by hand, validated and kept, resumed to the same bits; and the loop in bf16."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from research.data.augmentation import Augmentation
from research.data.dataset import SongDataset
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import LyricsConfig
from research.runs import RunFolder
from research.training.config import TrainConfig
from research.training.loop import fit, predict

EXACT = Augmentation(time_mask=0, mel_mask=0, drop_audio=0.0, drop_lyrics=0.0)
DECAY = 0.75
TRAIN = TrainConfig(
    epochs=3,
    batch_size=8,
    learning_rate=1e-2,
    average=DECAY,
    select_by="last",
    precision="fp32",
    class_weights="none",
    augmentation=EXACT,
)
"""One step an epoch."""


class Witness:
    """Keeps the weights that training leaves after each epoch."""

    def __init__(self, model, stop_after=None):
        self.model, self.stop_after, self.weights = model, stop_after, []

    def log_epoch(self, metrics):
        self.weights.append({name: value.clone() for name, value in self.model.state_dict().items()})
        if metrics["epoch"] == self.stop_after:
            raise KeyboardInterrupt


@pytest.fixture
def config(tiny_bert) -> ModelConfig:
    return ModelConfig(audio=None, lyrics=LyricsConfig(model=str(tiny_bert), learning_rate=1e-3), dim=16)


@pytest.fixture
def parts(small_songs):
    rows = np.flatnonzero(small_songs.has_lyrics & (small_songs.targets >= 0))[:8]
    return SongDataset(small_songs, rows, augmentation=EXACT), SongDataset(small_songs, rows)


def build(config: ModelConfig, seed: int = 0) -> MoodClassifier:
    torch.manual_seed(seed)
    return MoodClassifier(config, n_labels=4, n_mels=32)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_average_is_validated_and_kept_and_training_goes_on_without_it(config, parts, tmp_path, precision):
    train = replace(TRAIN, precision=precision)
    model = build(config)
    witness, run = Witness(model), RunFolder.open(tmp_path / "averaged", {})
    progress = fit(model, *parts, train, run, witness)
    first, second, third = witness.weights
    for name, kept in model.state_dict().items():
        if kept.is_floating_point():
            # The first step starts the average, the others count a quarter each.
            average = DECAY * (DECAY * first[name] + (1 - DECAY) * second[name]) + (1 - DECAY) * third[name]
            torch.testing.assert_close(kept, average, rtol=1e-5, atol=1e-6)  # float32
    head = "join.head.weight"
    assert not torch.allclose(model.state_dict()[head], third[head], atol=1e-4)
    found = predict(model, parts[1], train)
    loss = torch.nn.functional.cross_entropy(torch.from_numpy(found.logits), torch.from_numpy(found.targets))
    assert progress.history[-1]["valid/loss"] == pytest.approx(float(loss), abs=1e-6)
    plain = build(config)
    seen = Witness(plain)
    fit(plain, *parts, replace(train, average=0.0), RunFolder.open(tmp_path / "plain", {}), seen)
    assert all(torch.equal(seen.weights[2][name], value) for name, value in third.items())


def test_an_interrupted_average_ends_in_the_same_bits(config, parts, tmp_path):
    train = replace(TRAIN, batch_size=3)
    whole, cut = build(config), build(config)
    expected = fit(whole, *parts, train, RunFolder.open(tmp_path / "whole", {}))
    with pytest.raises(KeyboardInterrupt):
        fit(cut, *parts, train, RunFolder.open(tmp_path / "cut", {}), Witness(cut, stop_after=2))
    resumed = build(config, seed=1)
    assert fit(resumed, *parts, train, RunFolder.open(tmp_path / "cut", {})).history == expected.history
    assert all(torch.equal(value, resumed.state_dict()[name]) for name, value in whole.state_dict().items())


@pytest.mark.parametrize(("select_by", "best"), [("last", 3), ("loss", None)])
def test_the_epoch_kept_is_the_last_or_the_one_of_least_loss(config, parts, tmp_path, select_by, best):
    # So fast that the loss cannot fall all the time.
    train = replace(TRAIN, average=0.0, learning_rate=3.0, schedule="step", select_by=select_by)
    progress = fit(build(config), *parts, train, RunFolder.open(tmp_path, {}))
    losses = [row["valid/loss"] for row in progress.history]
    assert progress.best_epoch == (best or 1 + int(np.argmin(losses)))


def test_side_loss_mixup_and_swapped_words_reach_the_step(config, parts, tmp_path, monkeypatch):
    asked = []

    def record(network, criterion, batch, **settings):
        asked.append(settings)
        return criterion(network(batch), batch.target)

    monkeypatch.setattr("research.training.loop.step_loss", record)
    train = replace(TRAIN, epochs=1, side_loss=0.5, mixup=0.2, augmentation=Augmentation(swap_lyrics=0.3))
    fit(build(config), *parts, train, RunFolder.open(tmp_path, {}))
    assert asked == [{"side_loss": 0.5, "mixup": 0.2, "swap_lyrics": 0.3}]


def test_bf16_answers_like_float32(config, parts):
    model = build(config)
    exact, rounded = (predict_in(model, parts[1], precision) for precision in ("fp32", "bf16"))
    # 2**-8 a rounding; two layers of BERT and the head, logits of order 1
    np.testing.assert_allclose(rounded, exact, rtol=0, atol=8 * 2**-8 * np.abs(exact).max())
    assert not np.array_equal(rounded, exact)


def predict_in(model, songs, precision):
    return predict(model, songs, replace(TRAIN, precision=precision)).logits
