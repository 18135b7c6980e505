"""Random changes to training examples: pure functions, the generator is passed in."""

import numpy as np
from jaxtyping import Bool, Float


def spec_augment(
    mel: Float[np.ndarray, "frames n_mels"],
    generator: np.random.Generator,
    *,
    n_time: int = 2,
    max_time: int = 24,
    n_freq: int = 2,
    max_freq: int = 16,
    fill: float | None = None,
) -> Float[np.ndarray, "frames n_mels"]:
    """A copy of a spectrogram with stretches of time and bands of frequency masked.

    Args:
        n_time: number of time masks.
        max_time: longest time mask, frames (24 of 23 ms = 0.6 s); each is 0 to this long, evenly distributed.
        n_freq: number of frequency masks.
        max_freq: widest frequency mask, mel bands.
        fill: value of masked cells; None takes the mean of `mel`, which adds no edge of its own.

    Source: Park et al. 2019, "SpecAugment" (arXiv:1904.08779), without time warping.
    """
    masked = mel.copy()
    value = mel.mean() if fill is None else fill
    for cells, count, longest in ((masked, n_time, max_time), (masked.T, n_freq, max_freq)):
        for _ in range(count):
            length = generator.integers(min(longest, len(cells)) + 1)
            start = generator.integers(len(cells) - length + 1)
            cells[start : start + length] = value
    return masked


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
