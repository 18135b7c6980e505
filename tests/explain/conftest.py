"""Small models that were never trained: what is tested is how their answers are explained."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import soundfile
import torch

LYRICS = "Don't stop the music\nlet it shine\n\nDon't stop the music\noh happy happy day"


@pytest.fixture(scope="session")
def song(tmp_path_factory):
    """Two seconds: noise, then a tone."""
    rate = 22_050
    noise = np.random.default_rng(0).normal(size=rate) / 10
    tone = np.sin(2 * np.pi * 440 * np.arange(rate) / rate) / 4
    path = tmp_path_factory.mktemp("songs") / "song.wav"
    soundfile.write(path, np.concatenate([noise, tone]), rate)
    return path


@pytest.fixture(scope="session")
def make_predictor(tiny_bert, small_inputs, tmp_path_factory):
    """Writes the run folder of a fusion model with random weights; returns its predictor."""
    from research.inference import MoodPredictor
    from research.models.audio import AudioConfig
    from research.models.classifier import ModelConfig, MoodClassifier
    from research.models.lyrics import LyricsConfig
    from research.runs import RunFolder

    def make(fusion="gated", layers=0, pooling="mean", frozen=(), tags=(), lyrics=True):
        words = LyricsConfig(model=str(tiny_bert), trainable_layers=layers, pooling=pooling) if lyrics else None
        model = ModelConfig(audio=AudioConfig(frozen=frozen), lyrics=words, fusion=fusion, dim=8)
        config = {
            "name": "fusion",
            "corpus": {"name": "toy", "synthetic": True},
            "labels": ["happy", "sad", "angry"],
            "tags": list(tags),
            "inputs": asdict(replace(small_inputs, max_tokens=32)),
            "model": asdict(model),
        }
        run = RunFolder.open(tmp_path_factory.mktemp("runs") / "fusion", config)
        torch.manual_seed(0)
        network = MoodClassifier(model, n_labels=3 + len(tags), n_mels=small_inputs.mel.n_mels, pretrained=False)
        if network.audio is not None:  # statistics of a spectrogram in dB, not of values around 0
            network.audio.normalise.running_mean.fill_(-20.0)
            network.audio.normalise.running_var.fill_(400.0)
            for module in network.audio.network.modules():
                if isinstance(module, torch.nn.BatchNorm2d):  # as after training: zero is no special point
                    torch.nn.init.normal_(module.bias, std=0.5)
        with torch.no_grad():  # answers that differ by more than rounding
            for head in network.join.heads:
                head.weight.mul_(5)
        run.save_weights(network)
        return MoodPredictor(run)

    return make


@pytest.fixture(scope="session")
def gated(make_predictor):
    """A network of its own for the sound, a frozen encoder of whole lyrics."""
    from research.explain import Explainer

    return Explainer(make_predictor(tags=("calm",)))


@pytest.fixture(scope="session")
def overlapping(make_predictor):
    """A model of which one tag has a mood's name, as all four moods of qaed4 are also tags."""
    from research.explain import Explainer

    return Explainer(make_predictor(tags=("calm", "sad")))


@pytest.fixture(scope="session")
def material(gated, song):
    return gated.prepare(song, LYRICS)
