"""Log-mel in the variants of published taggers against librosa; stores of any front-end, such as vectors a piece."""

import pickle
from dataclasses import dataclass, replace

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile

from research.features.audio import MelSettings, decode, log_mel, mel_filters
from research.features.building import build_store
from research.features.files import AudioError
from research.features.shards import FrontEnd
from research.features.store import open_store
from research.tracks import Corpus, TrackTable

TAGGER = MelSettings(sample_rate=16_000, n_fft=512, hop_length=256, n_mels=96, top_db=None)
NOISE = 0.1 * np.random.default_rng(0).standard_normal(40_000).astype(np.float32)
NOISE[20_000:25_000] = 0  # silence within a song


def librosas(settings: MelSettings, **filters) -> np.ndarray:
    return librosa.feature.melspectrogram(
        y=NOISE,
        sr=settings.sample_rate,
        n_fft=settings.n_fft,
        hop_length=settings.hop_length,
        n_mels=settings.n_mels,
        **filters,
    ).T


@pytest.mark.parametrize("rate", [12_000, 16_000, 22_050])
@pytest.mark.parametrize(
    ("mel_scale", "arguments"), [("slaney", {}), ("htk", {"htk": True, "norm": None})], ids=["slaney", "htk"]
)
def test_mel_filters_are_librosas(rate, mel_scale, arguments):
    settings = MelSettings(sample_rate=rate, n_fft=512, n_mels=96, mel_scale=mel_scale)
    # Some filters at 22 kHz lie between two bins of so short a window; librosa says so.
    with np.testing.suppress_warnings() as suppressed:
        suppressed.filter(UserWarning, "Empty filters")
        expected = librosa.filters.mel(sr=rate, n_fft=512, n_mels=96, **arguments)
    np.testing.assert_allclose(mel_filters(settings), expected, rtol=0, atol=1e-6 * expected.max())  # float32


def test_htk_is_librosas_in_decibels_of_any_range():
    found = log_mel(NOISE, replace(TAGGER, mel_scale="htk"))
    expected = librosa.power_to_db(librosas(TAGGER, htk=True, norm=None), ref=1.0, top_db=None)
    assert expected.min() == pytest.approx(-100)  # silence, of which a range of 80 dB would keep less
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-2)  # dB; float32 sums near silence


def test_a_range_keeps_what_lies_below_the_loudest():
    whole, ranged = log_mel(NOISE, TAGGER), log_mel(NOISE, replace(TAGGER, top_db=30.0))
    np.testing.assert_array_equal(ranged, np.maximum(whole, whole.max() - 30))
    assert ranged.min() > whole.min()


def test_log10_10k_is_pons_compression_of_librosas_power():
    found = log_mel(NOISE, replace(TAGGER, compression="log10_10k"))
    np.testing.assert_allclose(found, np.log10(10_000 * librosas(TAGGER) + 1), rtol=1e-4, atol=1e-5)  # float32
    assert found.min() == 0  # silence


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Loudest and mean value of each half second: a front-end of two values a frame."""

    gain: float = 1.0
    width: int = 2

    @property
    def dtype(self):
        return np.dtype(np.float16)

    def frames(self, path):
        samples = decode(path, 8_000)
        if len(samples) < 4_000:
            raise AudioError(f"{path} is too short; use a longer recording")
        halves = self.gain * samples[: len(samples) // 4_000 * 4_000].reshape(-1, 4_000)
        return np.stack([halves.max(axis=1), halves.mean(axis=1)], axis=1)


@pytest.fixture
def tracks(tmp_path):
    """Two songs of 1 and 2.5 s, one too short, one without sound."""
    generator, rows = np.random.default_rng(1), []
    for name, duration_s in (("a", 1.0), ("b", 2.5), ("click", 0.1), ("words", None)):
        if duration_s is not None:
            soundfile.write(tmp_path / f"{name}.wav", 0.2 * generator.standard_normal(round(8_000 * duration_s)), 8_000)
        audio = None if duration_s is None else f"{name}.wav"
        rows.append({"track_id": name, "artist": None, "audio": audio, "lyrics": None})
    corpus = Corpus(name="noise", labels=(), citation="none", licence="CC0")
    return TrackTable(corpus, pd.DataFrame(rows, dtype=object), tmp_path)


def test_a_store_keeps_what_a_front_end_makes(tracks, tmp_path):
    assert isinstance(Levels(), FrontEnd)
    store = build_store(tracks, tmp_path / "levels", Levels(), workers=1)
    expected = {name: Levels().frames(tmp_path / f"{name}.wav") for name in ("a", "b")}
    assert store.n_frames(["a", "b", "click", "words"]).tolist() == [2, 5, 0, 0]
    for name, frames in expected.items():
        np.testing.assert_allclose(store.song(name), frames, rtol=2**-11)  # float16
    means = store.means(["b", "words", "a", "click"])
    np.testing.assert_allclose(means[[0, 2]], [expected[name].mean(axis=0) for name in "ba"], rtol=1e-3, atol=1e-5)
    assert not means[[1, 3]].any()
    assert "click.wav is too short" in store.skipped["click"]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(store)).means(["a"]), means[[2]])


@pytest.mark.parametrize("other", [Levels(gain=2.0), MelSettings()])
def test_a_store_of_another_front_end_is_refused(tracks, tmp_path, other):
    build_store(tracks, tmp_path / "levels", Levels(), workers=1)
    with pytest.raises(ValueError, match=r"levels was made with .*gain.*; delete it or pass another folder"):
        open_store(tmp_path / "levels", other)
