"""Statistics of songs against librosa, against music whose key and beat are known, and what must not change them."""

import librosa
import numpy as np
import pytest

from research.features.audio import MelSettings, log_mel
from research.features.statistics import (
    MAJOR,
    MINOR,
    beat_regularity,
    key_fit,
    mel_chroma,
    mfcc,
    onset_strength,
    song_statistics,
)

SETTINGS = MelSettings()
STEP_S = SETTINGS.hop_length / SETTINGS.sample_rate
RATE = SETTINGS.sample_rate


def notes(*hertz: float, duration_s: float = 2.0) -> np.ndarray:
    t = np.arange(round(duration_s * RATE)) / RATE
    return (0.1 * sum(np.sin(2 * np.pi * f * t) for f in hertz)).astype(np.float32)


def noise(duration_s: float, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(duration_s * RATE)).astype(np.float32)


def test_mfcc_is_librosas():
    mel = log_mel(noise(2.0), SETTINGS)
    expected = librosa.feature.mfcc(S=mel.T, n_mfcc=20).T
    np.testing.assert_allclose(mfcc(mel), expected, rtol=0, atol=1e-3)  # float32 sums of 128 values of some 50 dB


@pytest.mark.parametrize("pitch", ["C5", "D5", "F#5", "A5", "A4", "B5"])
def test_a_note_is_its_pitch_class(pitch):
    chroma = mel_chroma(log_mel(notes(librosa.note_to_hz(pitch)), SETTINGS), SETTINGS)[5:-5]
    assert set(chroma.argmax(axis=1)) == {librosa.note_to_midi(pitch) % 12}
    np.testing.assert_allclose(chroma.sum(axis=1), 1, atol=1e-5)  # float32 sum of 12 shares


def test_key_fit_is_the_correlation_with_the_best_key():
    triad = np.isin(np.arange(12), [0, 4, 7]).astype(float)  # C major
    found = key_fit(np.roll(triad, 3))
    # 1e-6: 1e-9 keeps the division of silence finite.
    assert found[0] == pytest.approx(np.corrcoef(triad, MAJOR)[0, 1], abs=1e-6)
    assert found[1] == pytest.approx(np.corrcoef(np.roll(triad, -4), MINOR)[0, 1], abs=1e-6)  # E minor: E and G
    assert found[2] == pytest.approx(found[0] - found[1])


def test_a_minor_chord_sounds_more_minor_than_a_major_one():
    chords = (["C5", "E5", "G5"], ["C5", "Eb5", "G5"])
    major, minor = (mel_chroma(log_mel(notes(*librosa.note_to_hz(c)), SETTINGS), SETTINGS).mean(axis=0) for c in chords)
    # .05: half of what was found; the third is one of three notes, and mel bands leak into their neighbours.
    assert key_fit(major.astype(float))[2] - key_fit(minor.astype(float))[2] > 0.05


def test_a_key_fits_itself_in_every_transposition():
    for semitones in range(12):
        major, minor, difference = key_fit(np.roll(MINOR, semitones))
        assert minor == pytest.approx(1, abs=1e-6)  # 1e-9 keeps the division of silence finite
        assert difference == pytest.approx(major - 1, abs=1e-6)


def test_harmony_of_a_transposed_song_is_the_same():
    # Shares sorted by size: an exact rotation of pitch classes changes nothing but the key's tonic.
    chord = log_mel(notes(523.25, 659.26, 783.99), SETTINGS)
    higher = log_mel(notes(*(f * 2 ** (2 / 12) for f in (523.25, 659.26, 783.99))), SETTINGS)
    found, moved = (song_statistics(mel, SETTINGS)["harmony"] for mel in (chord, higher))
    # .1: mel bands are a third of a semitone here and leak into neighbours unevenly.
    np.testing.assert_allclose(found[:12], moved[:12], atol=0.1)


def test_a_steady_beat_is_found_at_its_distance():
    clicks = np.zeros(12 * RATE, np.float32)
    clicks[:: 22 * SETTINGS.hop_length] = 1  # every 22 frames: 0.51 s
    regular = beat_regularity(onset_strength(log_mel(clicks, SETTINGS)).mean(axis=1), STEP_S)
    edges = np.geomspace(0.2, 2.4, 15)
    at = {seconds: int(np.searchsorted(edges, seconds)) - 1 for seconds in (0.35, 0.51, 0.75)}
    assert regular[at[0.51]] > 0.8  # 22 of 23 clicks meet the next one
    assert regular[at[0.35]] < 0.1
    assert regular[at[0.75]] < 0.1


def test_loudness_moves_levels_alone():
    mel = log_mel(noise(3.0), SETTINGS)
    quiet, loud = song_statistics(mel, SETTINGS), song_statistics(mel + np.float32(16), SETTINGS)
    slack = 1e-3  # float32 rounding of sums of values of some 50 dB
    for group in ("harmony", "rhythm"):
        np.testing.assert_allclose(loud[group], quiet[group], atol=slack)
    # Only the first coefficient, 16 dB * sqrt(128 bands), knows the level.
    np.testing.assert_allclose(loud["timbre"][1:], quiet["timbre"][1:], atol=slack)
    assert loud["timbre"][0] - quiet["timbre"][0] == pytest.approx(16 * 128**0.5, abs=slack)
    np.testing.assert_allclose((loud["bands"] - quiet["bands"])[:32], 16, atol=slack)


def test_any_length_gives_the_same_numbers_of_statistics():
    sizes = {"timbre": 80, "bands": 160, "harmony": 27, "rhythm": 34}
    for duration_s in (0.03, 0.7, 5.0):
        found = song_statistics(log_mel(noise(duration_s), SETTINGS), SETTINGS)
        assert {group: len(values) for group, values in found.items()} == sizes


def test_silence_is_finite():
    found = song_statistics(log_mel(np.zeros(RATE, np.float32), SETTINGS), SETTINGS)
    assert all(np.isfinite(values).all() for values in found.values())
    assert not found["rhythm"].any()


def test_unfit_spectrograms_are_refused():
    with pytest.raises(ValueError, match=r"9 frames of 64 bands: give at least 2 frames made with .*n_mels=128"):
        song_statistics(np.zeros((9, 64), np.float32), SETTINGS)
    with pytest.raises(ValueError, match="1 frames of 128 bands"):
        song_statistics(np.zeros((1, 128), np.float32), SETTINGS)
    with pytest.raises(ValueError, match="n_mels is a multiple of 32"):
        song_statistics(np.zeros((9, 100), np.float32), MelSettings(n_mels=100))
