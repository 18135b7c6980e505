"""What changes from epoch to epoch in training, and the random numbers that decide it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float16, Float64

from research.features.augment import MASK_DRAWS, spec_augment

Draws = Float64[np.ndarray, "heard draws"]
"""Random numbers of the songs that are heard, see `epoch_draws`."""
SIDE, PLACE, GAIN, MASKS = 0, 1, 2, slice(3, 3 + MASK_DRAWS)
COPY = MASKS.stop
"""Columns of a song's random numbers: which side is dropped, where in the song it is heard, how loud, masks, and which
copy."""
DRAW_BLOCKS = (MASKS.stop, 1)
"""Columns that are drawn together. A new one is a block of its own at the end: that leaves the earlier numbers, and
trainings that use them, as they were."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What changes from epoch to epoch in training; all zero: nothing but the place of the window."""

    time_mask: int = 40
    """Longest of two SpecAugment masks along time, in frames."""
    mel_mask: int = 16
    """Longest of two SpecAugment masks along frequency, in mel bands."""
    drop_audio: float = 0.2
    """Share of songs with words that lose their sound for one step, so that the model learns to do without."""
    drop_lyrics: float = 0.2
    """Share of songs with sound that lose their words for one step."""
    gain_db: float = 0.0
    """Most by which a spectrogram is made louder or softer, evenly distributed."""
    drop_words: float = 0.0
    """Share of a song's tokens that a learning lyrics encoder does not see in one step; special tokens stay."""
    pieces: float = 1.0
    """Share of a song whose vectors, by frozen encoders, are averaged in one step: a stretch at random, at least one
    piece. 1: all of them, as in evaluation."""
    altered: float = 0.0
    """Share of songs that are heard in one step as one of their altered copies, see `InputConfig.altered_copies`."""
    swap_lyrics: float = 0.0
    """Share of songs with both sides that are given the words of another song of their batch for one step, and keep
    their own answer: so that the model learns what words are worth that do not fit (see research.losses.objective)."""


@lru_cache(maxsize=4)  # training and validation go on side by side, each in its epoch
def epoch_draws(seed: int, epoch: int, n_songs: int) -> Float64[np.ndarray, "songs draws"]:
    """All that is random about each song in an epoch, even in [0, 1), see `SIDE` to `COPY`."""
    generator = np.random.default_rng([seed, epoch])
    draws = np.hstack([generator.random((n_songs, width)) for width in DRAW_BLOCKS])
    draws.flags.writeable = False
    return draws


def change_spectrograms(
    windows: Float16[np.ndarray, "heard windows frames n_mels"], draws: Draws, augmentation: Augmentation
) -> None:
    """What is done to the spectrograms of a batch in training, in place.

    Where samples are stored, `research.data.waveforms` does the same on the device.
    """
    longest = {"max_time": augmentation.time_mask, "max_freq": augmentation.mel_mask}
    spec_augment(windows[:, 0], draws[:, MASKS], **longest)
    if augmentation.gain_db:
        windows += gains(draws, augmentation).astype(windows.dtype)[:, None, None, None]


def gains(draws: Draws, augmentation: Augmentation) -> Float64[np.ndarray, " heard"]:
    """By which each song is louder, dB."""
    return augmentation.gain_db * (2 * draws[:, GAIN] - 1)
