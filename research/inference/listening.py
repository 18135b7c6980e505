"""A song's audio as a model hears it: its segments in time, and their distance from the training songs.

Samples are clipped at full scale, so that a loud MP3 and its 16-bit copy, which cannot exceed it, are the same song.
"""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float32, Int

from research.data.songs import InputConfig
from research.features.audio import MelSettings, decode, log_mel, window_starts
from research.features.source import OpenedSong
from research.models.classifier import MoodClassifier
from research.models.frozen import FrozenEncoder, frozen_encoder

MAX_WINDOWS = 64
"""Longer songs are heard in this many evenly spaced windows, so that time and memory stay bounded."""

VARIATION_S, VARIATION_MEL = 30.0, MelSettings()


@dataclass(frozen=True, eq=False)
class Heard:
    """The segments of one song."""

    starts_s: Float[np.ndarray, " pieces"]
    """Start of each segment in the song."""
    piece_s: float
    duration_s: float
    mel: Float32[np.ndarray, "pieces frames n_mels"] | None
    """Input of a network trained here; None for frozen encoders."""
    vectors: Float32[np.ndarray, "pieces audio_dim"] | None
    """Embedding of each segment by frozen encoders."""
    whole: Float32[np.ndarray, " audio_dim"] | None
    """Song embedding as in training: mean over each encoder's own segments."""
    unlikeness: float
    """Root mean square distance from the training songs in standard deviations, over mel bands or vectors' values."""
    variation_db: float
    """How much the sound changes: standard deviation over time of the log-mel spectrogram, mean over its bands, dB."""
    spectrogram: Float32[np.ndarray, "song_frames n_mels"] | None
    """The whole song as a network trained here reads it; if only excerpts are kept, these one after the other."""
    first_frames: Int[np.ndarray, " pieces"] | None
    """Where in `spectrogram` each segment begins."""

    @property
    def ends_s(self) -> Float[np.ndarray, " pieces"]:
        return np.minimum(self.starts_s + self.piece_s, self.duration_s)


def listen(song: OpenedSong, model: MoodClassifier, inputs: InputConfig) -> Heard:
    """Hear a whole song.

    Raises:
        AudioError: the file has no usable audio.
    """
    if model.config.audio.frozen:
        return _by_encoders(song, model)
    song, mel = _decoded(song, inputs.mel)
    frame_s = inputs.mel.hop_length / inputs.mel.sample_rate
    count = min(MAX_WINDOWS, max(inputs.eval_windows, -(-len(mel) // inputs.window_frames)))
    starts = np.unique(window_starts(len(mel), inputs.window_frames, count))
    normalise = model.audio.normalise
    return Heard(
        starts_s=song.song_time(starts * frame_s),
        piece_s=inputs.window_frames * frame_s,
        duration_s=song.duration_s,
        mel=_windows(mel, starts, inputs.window_frames),
        vectors=None,
        whole=None,
        unlikeness=_distance(mel.mean(axis=0), normalise.running_mean, normalise.running_var.sqrt()),
        variation_db=float(mel.std(axis=0).mean()) if inputs.mel.compression == "db" else _variation_db(song),
        spectrogram=mel,
        first_frames=starts,
    )


def _decoded(song: OpenedSong, settings: MelSettings) -> tuple[OpenedSong, np.ndarray]:
    samples = decode(song.path, settings.sample_rate, clip=True)
    return song.cut_to(len(samples) / settings.sample_rate), log_mel(samples, settings)


def _windows(mel: np.ndarray, starts: np.ndarray, frames: int) -> np.ndarray:
    if len(mel) < frames:
        return np.resize(mel, (1, frames, mel.shape[1]))  # repeats, as in training
    return np.stack([mel[start : start + frames] for start in starts])


def _by_encoders(song: OpenedSong, model: MoodClassifier) -> Heard:
    """Segments of the encoder with the shortest ones; for the others, the embedding at the middle of these segments."""
    encoders = [frozen_encoder(name) for name in model.config.audio.frozen]
    found = [encoder.frames(song.path) for encoder in encoders]  # (pieces, width) each
    finest = max(range(len(found)), key=lambda place: len(found[place]))
    piece_s = encoders[finest].piece_s or song.duration_s
    starts_s = np.arange(len(found[finest])) * piece_s
    aligned = [
        _heard_at(starts_s + piece_s / 2, encoder, vectors) for encoder, vectors in zip(encoders, found, strict=True)
    ]
    whole = np.concatenate([vectors.mean(axis=0) for vectors in found])
    standard = model.audio_projection[0]
    return Heard(
        starts_s=song.song_time(starts_s),
        piece_s=piece_s,
        duration_s=song.duration_s,
        mel=None,
        vectors=np.concatenate(aligned, axis=1),
        whole=whole,
        unlikeness=_distance(whole, standard.mean, standard.spread),
        variation_db=_variation_db(song),
        spectrogram=None,
        first_frames=None,
    )


def _heard_at(
    at_s: Float[np.ndarray, " times"], encoder: FrozenEncoder, vectors: Float32[np.ndarray, "pieces width"]
) -> Float32[np.ndarray, "times width"]:
    """Embedding of the segment around each time in the file; in a remainder that was left out, the last one."""
    if encoder.piece_s is None:
        return np.repeat(vectors, len(at_s), axis=0)
    return vectors[np.minimum(at_s // encoder.piece_s, len(vectors) - 1).astype(int)]


def _variation_db(song: OpenedSong) -> float:
    """Measured in the middle, where a song is neither fading in nor out."""
    rate, offset_s = VARIATION_MEL.sample_rate, song.middle_s(VARIATION_S)
    samples = decode(song.path, rate, offset_s, VARIATION_S, clip=True)
    return float(log_mel(samples, VARIATION_MEL).std(axis=0).mean())


def _distance(values: np.ndarray, mean: torch.Tensor, spread: torch.Tensor) -> float:
    return float(np.sqrt((((values - mean.numpy()) / spread.numpy()) ** 2).mean()))
