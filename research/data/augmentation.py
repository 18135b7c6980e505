"""Augmentation options, and the random numbers that decide about each song."""

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
    """Augmentation in training; if all are zero, only the position of the window is random."""

    time_mask: int = 40
    """Longest of two SpecAugment masks along time, in frames."""
    mel_mask: int = 16
    """Longest of two SpecAugment masks along frequency, in mel bands."""
    drop_audio: float = 0.2
    """Modality dropout: share of songs with lyrics that lose their audio for one step."""
    drop_lyrics: float = 0.2
    """Modality dropout: share of songs with audio that lose their lyrics for one step."""
    gain_db: float = 0.0
    """Largest random gain or attenuation of a spectrogram, uniformly distributed."""
    drop_words: float = 0.0
    """Share of a song's tokens hidden from a trainable lyrics encoder in one step; special tokens stay."""
    pieces: float = 1.0
    """Share of a song whose frozen embeddings are averaged in one step: a random stretch, at least one segment. 1: all
    of them, as in evaluation."""
    altered: float = 0.0
    """Share of songs replaced by one of their altered copies in one step, see `InputConfig.altered_copies`."""
    swap_lyrics: float = 0.0
    """Share of songs with both modalities that get the lyrics of another song of their batch for one step and keep
    their own label, so that the model learns not to trust wrong lyrics (see research.losses.objective)."""


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
