"""Spectrograms by torch are the NumPy front-end's, which tests/features hold to librosa's."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from research.features.audio import MelSettings, log_mel
from research.models.log_mel import LogMel

DEFAULT = MelSettings()
TAGGER = MelSettings(sample_rate=16_000, n_fft=512, hop_length=256, n_mels=96, mel_scale="htk", top_db=None)
PONS = replace(TAGGER, compression="log10_10k")


def music(seed: int, duration_s: float = 1.3) -> np.ndarray:
    """A tone that fades into noise 60 dB below it, and a silence."""
    at = np.arange(round(22_050 * duration_s)) / 22_050
    noise = np.random.default_rng(seed).standard_normal(len(at))
    samples = np.exp(-5 * at) * np.sin(2 * np.pi * 440 * at) / 2 + 5e-4 * noise
    samples[8_000:12_000] = 0
    return samples.astype(np.float32)


def padded(songs: list[np.ndarray], settings: MelSettings) -> torch.Tensor:
    return torch.from_numpy(np.stack([np.pad(song, settings.n_fft // 2) for song in songs]))


@pytest.mark.parametrize(
    ("settings", "atol"), [(DEFAULT, 1e-3), (replace(DEFAULT, hop_length=400), 1e-3), (TAGGER, 1e-2), (PONS, 1e-3)]
)
def test_whole_songs_are_the_front_ends(settings, atol):
    songs = [music(0), music(1)]
    found = LogMel(settings)(padded(songs, settings)).transpose(1, 2).numpy()
    # float32 transforms of two libraries differ by 3e-7 of a frame's loudest amplitude, which is much for a value 60 dB
    # below it in a narrow band.
    np.testing.assert_allclose(found, np.stack([log_mel(song, settings) for song in songs]), rtol=0, atol=atol)


def test_a_piece_keeps_the_range_of_its_song():
    song, frames = music(0), slice(20, 40)
    whole = log_mel(song, DEFAULT)
    samples = padded([song], DEFAULT)[:, frames.start * 512 : (frames.stop - 1) * 512 + 2_048]
    found = LogMel(DEFAULT)(samples, torch.tensor([whole.max()]))[0].T.numpy()
    np.testing.assert_allclose(found, whole[frames], rtol=0, atol=1e-3)
    assert found.min() == pytest.approx(whole.max() - 80, abs=1e-5)
    by_itself = LogMel(DEFAULT)(samples)[0].numpy()
    assert by_itself.min() < whole.max() - 90  # the loudest of the song lies before this piece


def test_autocast_around_it_changes_nothing():
    mel, samples = LogMel(DEFAULT), padded([music(0)], DEFAULT)
    with torch.autocast("cpu", torch.bfloat16):
        found = mel(samples)
    assert found.dtype == torch.float32
    assert torch.equal(found, mel(samples))


def test_a_run_keeps_nothing_of_it():
    assert not LogMel(DEFAULT).state_dict()
    assert not list(LogMel(DEFAULT).parameters())
