"""Random changes to training examples: the random numbers are passed in."""

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

N_MASKS = 2
"""Masks along time, and as many along frequency."""
MASK_DRAWS = 4 * N_MASKS
FILL_STEP = 8
"""Every eighth frame tells the same level as all of them."""


def spec_augment(
    mels: Float[np.ndarray, "batch frames n_mels"],
    draws: Float[np.ndarray, "batch draws"],
    *,
    max_time: int = 24,
    max_freq: int = 16,
    fill: float | None = None,
) -> None:
    """Mask two stretches of time and two bands of frequency in each spectrogram, in place.

    Args:
        mels: copies of what is kept, which windows of a store are; a second copy would take as long as the read.
        draws: `MASK_DRAWS` random numbers a spectrogram, even in [0, 1): length and place of each mask. Numbers instead
            of a generator, because making one for each song takes longer than reading it.
        max_time: longest time mask, frames (24 of 23 ms = 0.6 s); each is 0 to this long, evenly distributed.
        max_freq: widest frequency mask, mel bands.
        fill: value of masked cells; None takes the mean of every `FILL_STEP`th frame of each spectrogram, which adds no
            edge of its own.

    Source: Park et al. 2019, "SpecAugment" (arXiv:1904.08779), without time warping.
    """
    values = _levels(mels) if fill is None else [fill] * len(mels)
    places = mask_places(draws, *mels.shape[1:], max_time=max_time, max_freq=max_freq)
    for song, value, masks in zip(mels, values, places.tolist(), strict=True):
        for first, end in masks[:N_MASKS]:
            song[first:end] = value
        for first, end in masks[N_MASKS:]:
            song[:, first:end] = value


def mask_places(
    draws: Float[np.ndarray, "batch draws"], n_frames: int, n_mels: int, *, max_time: int, max_freq: int
) -> Int[np.ndarray, "batch masks 2"]:
    """Where `spec_augment` masks: start and end of `N_MASKS` stretches of frames, then of as many of mel bands."""
    sizes = np.array([n_frames] * N_MASKS + [n_mels] * N_MASKS)
    longest = np.minimum([max_time] * N_MASKS + [max_freq] * N_MASKS, sizes)
    lengths = (draws[:, : 2 * N_MASKS] * (longest + 1)).astype(np.int64)  # (batch, masks)
    starts = (draws[:, 2 * N_MASKS :] * (sizes - lengths + 1)).astype(np.int64)
    return np.stack([starts, starts + lengths], axis=-1)


def fill_masks(
    mels: Float[Tensor, "batch windows n_mels frames"], places: Int[Tensor, "batch masks 2"]
) -> Float[Tensor, "batch windows n_mels frames"]:
    """What `spec_augment` does, on any device and without waiting for it: masks at `places` (see `mask_places`; there
    may be none) hold the mean of every `FILL_STEP`th frame of each window."""

    def covered(length: int, masks: Tensor) -> Tensor:
        at = torch.arange(length, device=mels.device)
        return ((at >= masks[..., :1]) & (at < masks[..., 1:])).any(dim=1)  # (batch, length)

    time, mel = covered(mels.shape[3], places[:, :N_MASKS]), covered(mels.shape[2], places[:, N_MASKS:])
    levels = mels[..., ::FILL_STEP].mean(dim=(2, 3), keepdim=True)
    return torch.where(time[:, None, None, :] | mel[:, None, :, None], levels, mels)


def _levels(mels: Float[np.ndarray, "batch frames n_mels"]) -> list[float]:
    # torch has float16 to float32 in vector instructions, NumPy does not: 1.7 us a window instead of 5.8.
    return torch.from_numpy(mels[:, ::FILL_STEP]).float().mean(dim=(1, 2)).tolist()


def drop_modality(
    has_audio: Bool[np.ndarray, " batch"],
    has_lyrics: Bool[np.ndarray, " batch"],
    p_audio: float,
    p_lyrics: float,
    draws: Float[np.ndarray, " batch"],
) -> tuple[Bool[np.ndarray, " batch"], Bool[np.ndarray, " batch"]]:
    """Which sides a training example keeps: of a song that has both, at most one is dropped.

    Args:
        p_audio: probability that a song with both sides loses its audio.
        p_lyrics: probability that a song with both sides loses its lyrics.
        draws: a random number of each song, even in [0, 1). One decides between three fates, so both probabilities
            hold exactly and never both sides go.

    Raises:
        ValueError: a negative probability, or a sum above 1.
    """
    if min(p_audio, p_lyrics) < 0 or p_audio + p_lyrics > 1:
        raise ValueError(f"p_audio={p_audio:g} and p_lyrics={p_lyrics:g} must be positive and sum to at most 1")
    both = has_audio & has_lyrics
    drops_audio, drops_lyrics = draws < p_audio, (draws >= p_audio) & (draws < p_audio + p_lyrics)
    return has_audio & ~(both & drops_audio), has_lyrics & ~(both & drops_lyrics)
