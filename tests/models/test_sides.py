"""Vectors of frozen encoders in the classifier: standardised on training songs; each side's answer alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from research.models.audio import AudioConfig
from research.models.classifier import FARTHEST, ModelConfig, MoodClassifier, Standardise
from research.models.frozen import frozen_encoder
from research.models.lyrics import LyricsConfig, LyricsEncoder, encoder_dim
from research.training.schedules import averaged
from tests.models.conftest import vector_batch

WIDTH = frozen_encoder("statistics").width
HAS_AUDIO, HAS_LYRICS = [True, True, False, True], [True, False, True, True]


@pytest.fixture
def config(tiny_bert) -> ModelConfig:
    lyrics = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    return ModelConfig(audio=AudioConfig(frozen=("statistics",)), lyrics=lyrics, dim=16, dropout=0.0)


def build(config: ModelConfig) -> MoodClassifier:
    torch.manual_seed(0)
    return MoodClassifier(config, n_labels=4, n_mels=32).eval()


@torch.no_grad()
def test_standardise_is_scikit_learns():
    generator = np.random.default_rng(0)
    train, test = (generator.normal(50, [0.1, 3.0, 20.0], (40, 3)).astype(np.float32) for _ in range(2))
    layer = Standardise(3)
    layer.fit(train)
    found = layer(torch.from_numpy(test)).numpy()
    expected = StandardScaler().fit(train.astype(np.float64)).transform(test)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3)  # float32 mean and spread of values near 50


@torch.no_grad()
def test_accidents_and_constants_stay_finite():
    layer = Standardise(2)
    layer.fit(np.array([[1.0, 7.0], [3.0, 7.0]], dtype=np.float32))
    # Mean 2 and spread 1: 100 lies far beyond, 2.5 within; of a constant nothing was learned, wherever it lies.
    found = layer(torch.tensor([[100.0, 7.0], [-100.0, 7.1], [2.5, -9.0]]))
    expected = torch.tensor([[FARTHEST, 0.0], [-FARTHEST, 0.0], [0.5, 0.0]])
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)  # 1e-6 was added to the spread


def test_a_mean_of_weights_over_steps_leaves_it_as_it_is():
    layer = Standardise(2)
    layer.fit(np.array([[1.0, 7.0], [3.0, 7.0]], dtype=np.float32))  # the second is the same in both songs
    average = averaged(layer, decay=0.9)
    for _ in range(3):
        average.update_parameters(layer)
    vectors = torch.tensor([[2.5, 9.0]])
    torch.testing.assert_close(average(vectors), layer(vectors), rtol=0, atol=1e-6)


def test_standardise_is_kept_with_the_weights_and_fitted_where_a_side_is_frozen(config, tiny_bert):
    audio, lyrics = (np.random.default_rng(0).normal(3, 2, (9, n)).astype(np.float32) for n in (WIDTH, 8))
    model, restored = build(config), build(config)
    model.standardise(audio, lyrics)
    restored.load_state_dict(model.state_dict())
    np.testing.assert_allclose(restored.audio_projection[0].mean, audio.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(restored.lyrics_projection[0].mean, lyrics.mean(axis=0), rtol=1e-6)
    learning = build(replace(config, lyrics=LyricsConfig(model=str(tiny_bert))))
    before = {name: value.clone() for name, value in learning.lyrics_projection.state_dict().items()}
    learning.standardise(audio, lyrics)  # words are read by an encoder that learns
    assert all(torch.equal(value, before[name]) for name, value in learning.lyrics_projection.state_dict().items())


@torch.no_grad()
def test_late_fusion_is_the_mean_of_its_sides(config):
    batch, model = vector_batch(WIDTH, 8, HAS_AUDIO, HAS_LYRICS), build(config)
    joint, ((sound, heard), (words, read)) = model(batch, sides=True)
    assert torch.equal(joint, model(batch))
    assert (heard.tolist(), read.tolist()) == (HAS_AUDIO, HAS_LYRICS)
    both = heard & read
    torch.testing.assert_close(joint[both], (sound[both] + words[both]) / 2, rtol=1e-6, atol=1e-6)  # float32
    torch.testing.assert_close(joint[1], sound[1])
    torch.testing.assert_close(joint[2], words[2])


@torch.no_grad()
@pytest.mark.parametrize("fusion", ["concat", "gated", "late"])
def test_a_side_alone_answers_as_if_the_other_were_missing(config, fusion):
    batch, model = vector_batch(WIDTH, 8, [True] * 3, [True] * 3), build(replace(config, fusion=fusion))
    nobody = torch.zeros(3, dtype=torch.bool)
    _, ((sound, _), (words, _)) = model(batch, sides=True)
    torch.testing.assert_close(sound, model(replace(batch, has_lyrics=nobody)), rtol=0, atol=1e-6)
    torch.testing.assert_close(words, model(replace(batch, has_audio=nobody)), rtol=0, atol=1e-6)
    assert not torch.allclose(sound, words, atol=1e-2)


@torch.no_grad()
def test_a_model_of_one_side_has_no_sides(config):
    batch, model = vector_batch(WIDTH, 8, HAS_AUDIO, HAS_LYRICS), build(replace(config, lyrics=None))
    joint, sides = model(batch, sides=True)
    assert torch.equal(joint, model(batch))
    assert sides == []


@torch.no_grad()
def test_attention_pooling_is_a_weighted_mean_of_real_tokens(tiny_bert):
    torch.manual_seed(0)
    encoder = LyricsEncoder(LyricsConfig(model=str(tiny_bert), pooling="attention")).eval()
    ids, mask = torch.arange(5, 11).view(1, 6), torch.tensor([[1, 1, 1, 1, 0, 0]])
    hidden = encoder.sequence(ids, mask)[0, :4]
    scores = hidden @ encoder.weigh.weight[0] + encoder.weigh.bias
    expected = (scores.exp() / scores.exp().sum()) @ hidden
    torch.testing.assert_close(encoder(ids, mask)[0], expected, rtol=0, atol=1e-6)  # float32 of order 1
    assert not torch.allclose(expected, hidden.mean(dim=0), atol=1e-3)
    torch.testing.assert_close(encoder(ids[:, :4], mask[:, :4])[0], expected, rtol=0, atol=1e-5)  # padding


def test_the_length_of_a_vector_is_known_without_its_weights(tiny_bert):
    config = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    assert encoder_dim(config) == LyricsEncoder(config).dim == 8
    assert encoder_dim(replace(config, pooling="lines")) == 16
