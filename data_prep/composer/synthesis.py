"""From notes to sound: one wave table per note, envelopes, drums, distortion, a room, a level."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.signal import oaconvolve

from data_prep.composer.cues import Cues
from data_prep.composer.score import Hit, Note, Score

Samples = Float[np.ndarray, " samples"]

FAMILIES = {
    "strings": lambda k: np.ones_like(k),
    "reed": lambda k: np.where(k % 2 == 1, 1.0, 0.12),
    "organ": lambda k: np.where(np.isin(k, (1, 2, 4, 8)), 1.2, 0.15),
    "bell": lambda k: np.where(np.isin(k, (1, 3, 7)), 1.1, 0.25),
    "voice": lambda k: 0.3 + np.exp(-((k - 4.0) ** 2) / 6),
}
"""Instrument family -> strength of its partials k = 1, 2, ... before the fall-off that a song's brightness sets."""

N_PARTIALS = 24
TABLE_SIZE = 4096
VIBRATO_HZ, VIBRATO_CENTS = 5.0, 12.0
RELEASE_S = 0.08
FLOOR_DB = -62.0
"""Level of the recording's own hiss below full scale: no song is digital silence between notes."""


@dataclass(frozen=True)
class Palette:
    """How an artist sounds, whatever the mood."""

    family: dict[str, str]
    """Voice -> instrument family."""
    decay_per_s: float
    """0 bowed to 4 plucked."""
    room_s: float
    """Time in which the reverberation falls by a factor e."""
    wet: float
    """Level of the room against the instruments."""
    brightness_offset: float
    level_offset_db: float
    drum_pitch: float
    """Factor on the drums' frequencies."""


def render(
    score: Score, cues: Cues, palette: Palette, sample_rate: int, duration_s: float, generator: np.random.Generator
) -> Samples:
    """Play a score at the level and in the manner of its cues; values lie inside (-1, 1)."""
    n_samples = round(duration_s * sample_rate)
    tones, drums = np.zeros(n_samples), np.zeros(n_samples)
    for note in score.notes:
        _add(tones, _tone(note, cues, palette, sample_rate), note.start_s, sample_rate)
    for hit in score.hits:
        _add(drums, _drum(hit, palette, sample_rate, generator), hit.start_s, sample_rate)
    tones = _distort(tones / _rms(tones), cues.roughness, generator)
    dry = tones / _rms(tones) + 0.8 * drums
    mix = dry + palette.wet * _room(dry, palette.room_s, sample_rate, generator)
    level = 10 ** ((cues.loudness_db + palette.level_offset_db) / 20)
    hiss = 10 ** (FLOOR_DB / 20) * generator.standard_normal(n_samples)
    # A soft ceiling: loud songs are squeezed as on a record, quiet ones pass unchanged.
    return np.tanh(mix / _rms(mix) * level + hiss)


def wave_table(family: str, brightness: float, frequency_hz: float, sample_rate: int) -> Float[np.ndarray, " phase"]:
    """One period of an instrument, root mean square 1, without partials above 0.45 of the sample rate.

    Args:
        brightness: 0 (partials fall by 18 dB an octave) to 1 (by 4 dB).
    """
    partials = np.arange(1.0, N_PARTIALS + 1)
    slope = 3.0 - 2.3 * min(max(brightness, 0.0), 1.0)
    strength = FAMILIES[family](partials) * partials**-slope * (partials * frequency_hz < 0.45 * sample_rate)
    spectrum = np.zeros(TABLE_SIZE // 2 + 1, dtype=complex)
    # Schroeder phases: partials that all start together would make a click a period.
    spectrum[1 : N_PARTIALS + 1] = strength * np.exp(-1j * math.pi * partials**2 / N_PARTIALS)
    table = np.fft.irfft(spectrum)
    return table / _rms(table)


def _tone(note: Note, cues: Cues, palette: Palette, sample_rate: int) -> Samples:
    frequency_hz = 440 * 2 ** ((note.midi - 69) / 12)
    time_s = np.arange(round((note.length_s + RELEASE_S) * sample_rate)) / sample_rate
    brightness = cues.brightness + palette.brightness_offset
    table = wave_table(palette.family[note.voice], brightness, frequency_hz, sample_rate)
    periods = frequency_hz * time_s
    if note.voice == "melody":
        depth = (2 ** (VIBRATO_CENTS / 1200) - 1) * frequency_hz / (2 * math.pi * VIBRATO_HZ)
        periods = periods + depth * np.sin(2 * math.pi * VIBRATO_HZ * time_s)
    wave = table[(periods * TABLE_SIZE).astype(np.int64) % TABLE_SIZE]
    attack_s = min(cues.attack_s, note.length_s / 2)
    corners_s = (0, attack_s, note.length_s, note.length_s + RELEASE_S)
    envelope = np.interp(time_s, corners_s, (0, 1, 0.8, 0)) * np.exp(-palette.decay_per_s * time_s)
    return note.velocity * envelope * wave


def _drum(hit: Hit, palette: Palette, sample_rate: int, generator: np.random.Generator) -> Samples:
    time_s = np.arange(round(0.25 * sample_rate)) / sample_rate
    noise = generator.standard_normal(len(time_s))
    if hit.drum == "kick":
        sweep = 45 * time_s + 4 * (1 - np.exp(-time_s / 0.03))
        wave = 2.5 * np.sin(2 * math.pi * palette.drum_pitch * sweep) * np.exp(-time_s / 0.08)
    elif hit.drum == "snare":
        body = np.sin(2 * math.pi * 190 * palette.drum_pitch * time_s)
        wave = (0.8 * noise + 0.6 * body) * np.exp(-time_s / 0.06)
    else:
        wave = 0.35 * np.diff(noise, prepend=0.0) * np.exp(-time_s / 0.025)  # a difference keeps the highs
    return hit.velocity * wave


def _distort(tones: Samples, roughness: float, generator: np.random.Generator) -> Samples:
    """Overdrive, and breath noise that follows the tones; roughness 0 leaves them alone."""
    driven = np.tanh((1 + 5 * roughness) * tones) / math.tanh(1 + 5 * roughness)
    noise = np.abs(tones) * generator.standard_normal(len(tones))
    return (1 - roughness) * tones + roughness * driven + 0.3 * roughness**2 * noise


def _room(dry: Samples, room_s: float, sample_rate: int, generator: np.random.Generator) -> Samples:
    time_s = np.arange(round(4 * room_s * sample_rate)) / sample_rate
    response = generator.standard_normal(len(time_s)) * np.exp(-time_s / room_s)
    return oaconvolve(dry, response / np.sqrt((response**2).sum()))[: len(dry)]


def _add(track: Samples, sound: Samples, start_s: float, sample_rate: int) -> None:
    start = round(start_s * sample_rate)
    n_left = max(len(track) - start, 0)
    track[start : start + len(sound)] += sound[:n_left]


def _rms(samples: Samples) -> float:
    return math.sqrt(float((samples**2).mean()))
