"""Frozen encoders of sound: whole songs in pieces, the same vector each time, refused where there is no sound."""

import hashlib
import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import soundfile
import torch

from research.features.audio import MelSettings, load_log_mel
from research.features.files import AudioError
from research.features.statistics import song_statistics
from research.features.store import SETTINGS, check_settings
from research.models import frozen as module
from research.models.frozen import cut_pieces, encode_pieces, frozen_encoder
from research.models.music_cnn import FiveLayerCNN
from research.models.published import FOLDER_VARIABLE, PUBLISHED

RATE = 12_000
PIECE = 1_366
"""Frames of the five-layer network; 29.1 s."""


@pytest.fixture
def tagger(tmp_path, monkeypatch):
    """The five-layer network with random weights, published under a name of its own."""
    torch.manual_seed(0)
    network = FiveLayerCNN().eval()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    content = (tmp_path / "weights.pth").read_bytes()
    published = replace(
        PUBLISHED["jamendo-mood-cnn"],
        sha256=hashlib.sha256(content).hexdigest(),
        n_bytes=len(content),
        read=lambda path: torch.load(path, weights_only=True),
    )
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.setitem(PUBLISHED, "tagger", published)
    monkeypatch.setattr("research.models.precision.cpu_computes_bf16", lambda: False)
    module.published_network.cache_clear()
    yield network
    module.published_network.cache_clear()


def write_song(path, duration_s):
    samples = 0.1 * np.random.default_rng(0).standard_normal(round(RATE * duration_s))
    soundfile.write(path, samples, RATE)
    return path


def test_pieces_by_hand():
    ramp = np.arange(14).reshape(7, 2)
    assert cut_pieces(ramp, 3).tolist() == [ramp[:3].tolist(), ramp[3:6].tolist()]  # the seventh is left out
    assert cut_pieces(ramp, 7).tolist() == [ramp.tolist()]
    assert cut_pieces(ramp[:2], 5)[0].tolist() == ramp[[0, 1, 0, 1, 0]].tolist()  # repeats until it fills one
    assert cut_pieces(np.arange(3.0), 4).tolist() == [[0, 1, 2, 0]]


@torch.no_grad()
@pytest.mark.parametrize(("duration_s", "pieces"), [(2.0, 1), (70.0, 2)])
def test_a_song_is_its_pieces_through_the_network(tagger, tmp_path, duration_s, pieces):
    song = write_song(tmp_path / "song.wav", duration_s)
    encoder = frozen_encoder("tagger")
    vectors = encoder.frames(song)
    assert vectors.shape == (pieces, encoder.width)
    mel = load_log_mel(song, PUBLISHED["tagger"].mel)
    for piece, vector in enumerate(vectors):
        frames = np.take(mel, range(piece * PIECE, (piece + 1) * PIECE), axis=0, mode="wrap")
        expected = tagger(torch.from_numpy(frames.T.copy())[None])[0]
        # float32 convolutions, alone or side by side
        np.testing.assert_allclose(vector, expected.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(encoder.frames(song), vectors)


def test_a_store_made_with_another_front_end_is_refused(tagger, tmp_path, monkeypatch):
    (tmp_path / SETTINGS).write_text(json.dumps(asdict(frozen_encoder("tagger"))))
    check_settings(tmp_path, frozen_encoder("tagger"))
    other = replace(PUBLISHED["tagger"].mel, top_db=60.0)
    monkeypatch.setitem(PUBLISHED, "tagger", replace(PUBLISHED["tagger"], mel=other))
    with pytest.raises(ValueError, match="delete it or pass another folder"):
        check_settings(tmp_path, frozen_encoder("tagger"))


def test_more_pieces_than_fit_at_once_keep_their_order(tagger, monkeypatch):
    monkeypatch.setattr(module, "PIECES_AT_ONCE", 2)
    pieces = np.random.default_rng(0).standard_normal((3, 96, PIECE)).astype(np.float32)
    pieces[-1] = pieces[0]
    vectors = encode_pieces(tagger, pieces)
    np.testing.assert_allclose(vectors[-1], vectors[0], rtol=1e-4, atol=1e-5)  # float32, alone or side by side
    assert np.abs(np.diff(vectors[:-1], axis=0)).max(axis=1).min() > 1e-3


def test_bf16_stays_near_float32(tagger, monkeypatch):
    piece = np.random.default_rng(0).standard_normal((1, 96, PIECE)).astype(np.float32)
    exact = encode_pieces(tagger, piece)
    monkeypatch.setattr("research.models.precision.cpu_computes_bf16", lambda: True)
    rounded = encode_pieces(tagger, piece)
    # 2**-8 a rounding, some ten of them through five layers, in means of thousands of values
    np.testing.assert_allclose(rounded, exact, rtol=0, atol=10 * 2**-8 * np.abs(exact).max())
    assert not np.array_equal(rounded, exact)


def test_an_encoder_says_which_weights_it_has(tagger):
    encoder = frozen_encoder("tagger")
    assert (encoder.encoder, encoder.width) == ("tagger", 512)
    assert PUBLISHED["tagger"].sha256.startswith(encoder.weights)
    assert encoder != frozen_encoder("jamendo-mood-cnn")


def test_a_misspelt_encoder_is_refused_without_asking_the_hub(tagger, monkeypatch):
    monkeypatch.setattr(module, "HubAudio", None)
    with pytest.raises(
        ValueError, match=r"unknown encoder 'tager'; there are statistics, musicnn-msd, .*, tagger, and"
    ):
        frozen_encoder("tager")


def test_statistics_are_one_vector_a_song(tmp_path):
    encoder = frozen_encoder("statistics")
    song = write_song(tmp_path / "song.wav", 3.0)
    expected = np.concatenate([*song_statistics(load_log_mel(song, MelSettings()), MelSettings()).values()])
    vectors = encoder.frames(song)
    assert vectors.shape == (1, encoder.width)
    np.testing.assert_array_equal(vectors[0], expected.astype(np.float32))


def test_a_song_too_short_for_statistics_is_refused(tmp_path):
    song = write_song(tmp_path / "click.wav", 0.01)
    with pytest.raises(AudioError, match=r"click\.wav is too short for statistics; use a longer recording"):
        frozen_encoder("statistics").frames(song)


@pytest.mark.parametrize("name", ["tagger", "statistics"])
def test_broken_sound_is_refused_by_name(tagger, tmp_path, name):
    (tmp_path / "broken.mp3").write_text("no song")
    with pytest.raises(AudioError, match=r"broken\.mp3 cannot be decoded"):
        frozen_encoder(name).frames(tmp_path / "broken.mp3")
