"""A whole song as a few hundred numbers for a classical classifier: statistics of timbre, bands, harmony and rhythm.

All are taken from the log-mel spectrogram that every model reads, so nothing is decoded again.
"""

from functools import cache
from itertools import pairwise

import numpy as np
import scipy.fft
import scipy.ndimage
from jaxtyping import Float, Float32

from research.features.audio import MelSettings, mel_filters

N_MFCC = 20
N_BANDS = 32
"""Parts of the mel range whose levels are described."""
N_ONSET_BANDS = 4
PERCENTILES = (10, 50, 90)
# Below, a mel band is wider than a semitone; above, overtones hide the notes.
LOWEST_NOTE_HZ, HIGHEST_NOTE_HZ = 250.0, 4_000.0
PARTIAL_WIDTH = 13
"""Bands of the local mean above which a partial must stand: a fourth at 1 kHz."""
FASTEST_BEAT_S, SLOWEST_BEAT_S, N_BEATS = 0.2, 2.4, 14
"""Distances between beats whose regularity is described: 300 to 25 a minute, in this many steps of equal ratio."""
MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
"""How well each semitone above the tonic fits a key. Source: Krumhansl & Kessler 1982, probe tone ratings."""

SILENCE = 1e-9

LogMel = Float32[np.ndarray, "frames n_mels"]
Statistics = Float[np.ndarray, " statistics"]


def song_statistics(mel: LogMel, settings: MelSettings) -> dict[str, Statistics]:
    """Statistics of a song by group; each group has the same length for every song.

    Args:
        mel: log-mel spectrogram, dB.
        settings: how `mel` was made.

    Raises:
        ValueError: fewer than two frames, or bands that are not those of `settings` or no multiple of `N_BANDS`.
    """
    if len(mel) < 2 or mel.shape[1] != settings.n_mels or settings.n_mels % N_BANDS:
        raise ValueError(
            f"{mel.shape[0]} frames of {mel.shape[1]} bands: give at least 2 frames made with {settings}, "
            f"whose n_mels is a multiple of {N_BANDS}"
        )
    chroma = mel_chroma(mel, settings)
    return {
        "timbre": _timbre(mfcc(mel)),
        "bands": _moments(_pooled(mel, N_BANDS), PERCENTILES),
        "harmony": np.concatenate([_harmony(chroma), key_fit(chroma.mean(axis=0))]),
        "rhythm": _rhythm(mel, settings.hop_length / settings.sample_rate),
    }


def mfcc(mel: LogMel) -> Float32[np.ndarray, "frames coefficients"]:
    """Mel-frequency cepstral coefficients, those of `librosa.feature.mfcc`: orthonormal DCT-II of the dB values."""
    return scipy.fft.dct(mel, type=2, norm="ortho", axis=1, workers=1)[:, :N_MFCC]


def mel_chroma(mel: LogMel, settings: MelSettings) -> Float32[np.ndarray, "frames 12"]:
    """Share of each pitch class, C to B, in every frame; all 0 where nothing stands out.

    Counts how many dB a band lies above the mean of its neighbours: partials stand out, noise and drums do not.
    """
    salience = np.maximum(mel - scipy.ndimage.uniform_filter1d(mel, PARTIAL_WIDTH, axis=1), 0)
    chroma = salience @ _pitch_classes(settings)
    return chroma / (chroma.sum(axis=1, keepdims=True) + np.float32(SILENCE))


def key_fit(profile: Float[np.ndarray, " 12"]) -> Float[np.ndarray, " 3"]:
    """Correlation of a chroma profile with its best major key, with its best minor key, and their difference.

    Source: Krumhansl 1990, Cognitive Foundations of Musical Pitch, chapter 4.
    """
    keys = np.array([np.roll(mode, tonic) for mode in (MAJOR, MINOR) for tonic in range(12)])
    keys -= keys.mean(axis=1, keepdims=True)
    profile = profile - profile.mean()
    norms = np.linalg.norm(keys, axis=1) * np.linalg.norm(profile) + SILENCE
    major, minor = (keys @ profile / norms).reshape(2, 12).max(axis=1)
    return np.array([major, minor, major - minor])


def onset_strength(mel: LogMel) -> Float32[np.ndarray, "steps bands"]:
    """Rise of the level from frame to frame in each quarter of the mel range, dB; falls count 0."""
    return _pooled(np.maximum(np.diff(mel, axis=0), 0), N_ONSET_BANDS)


def beat_regularity(onsets: Float32[np.ndarray, " steps"], step_s: float) -> Float[np.ndarray, " beats"]:
    """Highest autocorrelation of the onsets in each range of distances between beats, short to long.

    Args:
        step_s: time between two onsets, seconds.

    Returns:
        -1 to 1; 0 for distances beyond the end of the song.
    """
    centred = onsets - onsets.mean()
    n_lags = int(SLOWEST_BEAT_S / step_s) + 2
    # Long enough that the circle of the FFT does not close.
    size = scipy.fft.next_fast_len(len(centred) + n_lags)
    correlation = scipy.fft.irfft(np.abs(scipy.fft.rfft(centred, size)) ** 2, size)[:n_lags]
    correlation = correlation / (correlation[0] + SILENCE)
    edges = np.round(np.geomspace(FASTEST_BEAT_S, SLOWEST_BEAT_S, N_BEATS + 1) / step_s).astype(int)
    return np.array([correlation[low : max(high, low + 1)].max() for low, high in pairwise(edges)])


def _timbre(coefficients: np.ndarray) -> Statistics:
    steps = np.diff(coefficients, axis=0)
    return np.concatenate([_moments(coefficients), steps.std(axis=0), np.abs(steps).mean(axis=0)])


def _harmony(chroma: np.ndarray) -> Statistics:
    # In order of their share, not from C to B: a song in another key sounds the same.
    order = np.argsort(chroma.mean(axis=0))
    return _moments(chroma[:, order])


def _rhythm(mel: np.ndarray, step_s: float) -> Statistics:
    onsets = onset_strength(mel)
    return np.concatenate([_moments(onsets, PERCENTILES), beat_regularity(onsets.mean(axis=1), step_s)])


def _pooled(mel: np.ndarray, n_bands: int) -> np.ndarray:
    """Mean over neighbouring bands, (frames, n_bands)."""
    return mel.reshape(len(mel), n_bands, -1).mean(axis=2)


def _moments(values: np.ndarray, percentiles: tuple[int, ...] = ()) -> Statistics:
    """Mean, standard deviation and percentiles over time of each column."""
    rows = [values.mean(axis=0), values.std(axis=0), *np.percentile(values, percentiles, axis=0)]
    return np.concatenate(rows).astype(np.float64)


@cache
def _pitch_classes(settings: MelSettings) -> Float32[np.ndarray, "n_mels 12"]:
    """Share of each mel band that counts for each pitch class; a band between two semitones counts for both."""
    filters = mel_filters(settings)
    hertz = np.fft.rfftfreq(settings.n_fft, 1 / settings.sample_rate)
    centres = filters @ hertz / (filters.sum(axis=1) + SILENCE)
    semitones = 12 * np.log2(np.maximum(centres, 1) / 440) + 9  # above a C; A4 = 440 Hz is 9 of 12
    distance = np.abs((semitones[:, None] - np.arange(12) + 6) % 12 - 6)
    audible = (centres > LOWEST_NOTE_HZ) & (centres < HIGHEST_NOTE_HZ)
    return (np.maximum(0, 1 - distance) * audible[:, None]).astype(np.float32)
