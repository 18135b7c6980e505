"""Audio models of transformers, tiny and random: their own last layer, averaged over time."""

import numpy as np
import pytest
import soundfile
import torch
from transformers import (
    ASTConfig,
    ASTFeatureExtractor,
    ASTModel,
    ClapConfig,
    ClapFeatureExtractor,
    ClapModel,
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2Model,
)

from research.features.audio import decode
from research.models.frozen import frozen_encoder
from research.models.hub import PIECE_S, HubAudio

RATE = 4_000
SIZES = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}


def save(folder, kind, seed=0):
    torch.manual_seed(seed)
    if kind == "wav2vec2":
        config = Wav2Vec2Config(
            **SIZES,
            conv_dim=(8, 8),
            conv_kernel=(40, 10),
            conv_stride=(40, 10),
            num_conv_pos_embeddings=4,
            num_conv_pos_embedding_groups=2,
        )
        model, extractor = Wav2Vec2Model(config), Wav2Vec2FeatureExtractor(sampling_rate=RATE)
    else:
        model = ASTModel(ASTConfig(**SIZES, num_mel_bins=32, max_length=64))
        extractor = ASTFeatureExtractor(sampling_rate=RATE, num_mel_bins=32, max_length=64)
    model.save_pretrained(folder)
    extractor.save_pretrained(folder)
    return model.eval(), extractor


@torch.no_grad()
@pytest.mark.parametrize("kind", ["wav2vec2", "ast"])
def test_a_vector_is_the_mean_of_the_models_last_layer(tmp_path, kind):
    model, extractor = save(tmp_path / kind, kind)
    hub = HubAudio(str(tmp_path / kind))
    assert (hub.sample_rate, hub.piece_samples, hub.dim) == (RATE, round(PIECE_S * RATE), 8)
    samples = torch.randn(2, hub.piece_samples, generator=torch.Generator().manual_seed(0))
    found = hub(samples)
    for piece, vector in zip(samples, found, strict=True):  # alone: no padding, no other piece
        inputs = extractor(piece.numpy(), sampling_rate=RATE, return_tensors="pt")
        hidden = model(**inputs).last_hidden_state[0]
        torch.testing.assert_close(vector, hidden.mean(dim=0), rtol=1e-4, atol=1e-5)  # float32, other batch width
    assert not torch.allclose(found[0], found[1], atol=1e-3)


@torch.no_grad()
def test_clap_gives_its_own_embedding_of_sound(tmp_path):
    torch.manual_seed(0)
    sound = {
        **{"spec_size": 64, "num_mel_bins": 16, "patch_stride": [4, 4], "window_size": 2, "enable_fusion": False},
        **{"patch_embeds_hidden_size": 8, "hidden_size": 16, "depths": [1, 1], "num_attention_heads": [1, 2]},
    }
    words = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    model = ClapModel(ClapConfig(audio_config=sound, text_config={**words, "vocab_size": 50}, projection_dim=12)).eval()
    extractor = ClapFeatureExtractor(
        feature_size=16, sampling_rate=RATE, hop_length=200, fft_window_size=256, truncation="rand_trunc"
    )
    model.save_pretrained(tmp_path)
    extractor.save_pretrained(tmp_path)
    hub = HubAudio(str(tmp_path))
    samples = torch.randn(2, hub.piece_samples, generator=torch.Generator().manual_seed(0))
    inputs = extractor(list(samples.numpy()), sampling_rate=RATE, return_tensors="pt")
    expected = model.audio_projection(model.audio_model(**inputs).pooler_output)
    expected = expected / expected.norm(dim=1, keepdim=True)
    torch.testing.assert_close(hub(samples), expected, rtol=1e-4, atol=1e-5)  # float32, summed in another order
    assert hub.dim == 12


def test_a_song_is_heard_in_pieces_of_ten_seconds(tmp_path, monkeypatch):
    monkeypatch.setattr("research.models.precision.cpu_computes_bf16", lambda: False)
    save(tmp_path / "model", "wav2vec2")
    song = 0.1 * np.random.default_rng(0).standard_normal(25 * RATE)
    soundfile.write(tmp_path / "song.wav", song, RATE)
    encoder = frozen_encoder(str(tmp_path / "model"))
    vectors = encoder.frames(tmp_path / "song.wav")
    samples = torch.from_numpy(decode(tmp_path / "song.wav", RATE)[: 20 * RATE]).view(2, -1)
    expected = HubAudio(str(tmp_path / "model"))(samples)
    assert vectors.shape == (2, encoder.width)
    np.testing.assert_allclose(vectors, expected.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(encoder.frames(tmp_path / "song.wav"), vectors)


def test_other_weights_of_the_same_name_are_told_apart(tmp_path):
    fingerprints = []
    for seed in (0, 0, 1):
        save(tmp_path / "model", "wav2vec2", seed)
        fingerprints.append(HubAudio(str(tmp_path / "model")).fingerprint)
    assert fingerprints[0] == fingerprints[1] != fingerprints[2]


def test_what_is_no_audio_model_is_refused(tiny_bert):
    with pytest.raises(ValueError, match=r"audio encoder 'no/such-model' cannot be loaded .*; check the name or path"):
        HubAudio("no/such-model")
    with pytest.raises(ValueError, match=r"audio encoder .* cannot be loaded"):
        HubAudio(str(tiny_bert))
