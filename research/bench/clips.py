"""Audio for the benchmarks: clips generated here, so that anyone can repeat a number, or a folder of real songs."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from jaxtyping import Float32

from research.features.containers import CONTAINER_SUFFIXES
from research.features.files import AUDIO_SUFFIXES

FORMATS = ((44_100, 96), (32_000, 96), (22_050, 64))
"""Sampling rate, Hz, and bit rate, kb/s, of the MP3s made here: those of the slides' previews, of a broadcast, and ones
that need no resampling."""
KBPS = {True: (32, 320), False: (8, 160)}
"""Lowest and highest bit rate of an MP3, by whether it is sampled at 32 kHz or more (MPEG-1) or less (MPEG-2)."""
CHORDS = ((0, 4, 7), (9, 12, 16), (5, 9, 12), (7, 11, 14))
"""Semitones above the tonic: I, vi, IV, V."""
TONIC_HZ, BEAT_S, N_PARTIALS = 220.0, 0.5, 8

Stereo = Float32[np.ndarray, "samples channels"]


@dataclass(frozen=True)
class Clips:
    origin: str
    """Where they come from, for the report."""
    short: list[Path]
    """Previews, at several rates."""
    song: Path
    """A whole song, MP3."""


def made_clips(folder: Path, clip_s: float, song_s: float) -> Clips:
    """Music-like sound: a chord progression with partials and a beat of noise, in two channels."""
    short = []
    for seed, (rate, kbps) in enumerate(FORMATS):
        path = folder / f"clip_{rate}.mp3"
        lowest, highest = KBPS[rate >= 32_000]
        soundfile.write(
            path,
            compose(clip_s, rate, np.random.default_rng(seed)),
            rate,
            bitrate_mode="CONSTANT",
            compression_level=(highest - kbps) / (highest - lowest),
        )
        short.append(path)
    return Clips("made here", short, _song(short[0], folder, song_s))


def given_clips(source: Path, folder: Path, clip_s: float, song_s: float) -> Clips:
    """Clips cut from the middle of some songs of a folder.

    Raises:
        ValueError: the folder contains no audio file, or one that cannot be read or cut.
    """
    kinds = AUDIO_SUFFIXES - CONTAINER_SUFFIXES
    paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in kinds)[: len(FORMATS)]
    if not paths:
        raise ValueError(f"{source} contains no audio file ({' '.join(sorted(kinds))}); give another --clips folder")
    try:
        short = [_cut(path, folder / f"clip_{at}.mp3", clip_s) for at, path in enumerate(paths)]
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{source}: {error}; give songs of 48 kHz at most that soundfile reads") from error
    return Clips(f"{len(short)} songs of {source}", short, _song(short[0], folder, song_s))


def compose(duration_s: float, sample_rate: int, generator: np.random.Generator) -> Stereo:
    """Four chords in turn, a beat each, every note with falling partials; noise on the beat; left and right differ."""
    time_s = np.arange(round(duration_s * sample_rate)) / sample_rate
    beat = (time_s / BEAT_S).astype(int)
    loudness = np.exp(-4 * (time_s / BEAT_S - beat))  # each beat dies away by 4 nepers
    notes = np.array(CHORDS)[beat // 4 % len(CHORDS)].T  # (notes, samples)
    sound = np.zeros((len(time_s), 2))
    for note, pan in zip(notes, (0.3, 0.5, 0.7), strict=True):
        hertz = TONIC_HZ * 2 ** (note / 12)
        for partial in range(1, N_PARTIALS + 1):
            audible = partial * hertz < sample_rate / 2
            tone = audible * np.sin(2 * np.pi * partial * hertz * time_s) / partial
            sound += tone[:, None] * (pan, 1 - pan)
    drums = generator.standard_normal(sound.shape) * (loudness**2)[:, None]
    mixed = 0.1 * sound * (0.3 + 0.7 * loudness[:, None]) + 0.05 * drums
    return mixed.astype(np.float32)


def _cut(path: Path, clip: Path, duration_s: float) -> Path:
    with soundfile.SoundFile(path) as file:
        n_frames = min(file.frames, round(duration_s * file.samplerate))
        file.seek((file.frames - n_frames) // 2)
        soundfile.write(clip, file.read(n_frames, dtype="float32"), file.samplerate)
    return clip


def _song(clip: Path, folder: Path, duration_s: float) -> Path:
    """The clip again and again, as one MP3."""
    samples, rate = soundfile.read(clip, dtype="float32", always_2d=True)
    path = folder / "song.mp3"
    with soundfile.SoundFile(path, "w", rate, samples.shape[1]) as file:
        left = round(duration_s * rate)
        while left > 0:
            file.write(samples[:left])
            left -= len(samples)
    return path
