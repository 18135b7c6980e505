"""Frozen audio encoders, as front-ends of the feature store: one embedding per segment of a song.

Their store is `data/<corpus>/embeddings/<encoder>/`: computed once, by any number of workers, resumable like the
spectrograms.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from torch import nn

from research.features.audio import MelSettings, decode
from research.features.files import AudioError
from research.features.statistics import song_statistics
from research.models.hub import PIECE_S, HubAudio
from research.models.precision import fast_products
from research.models.published import PUBLISHED, load_published, weights_file

STATISTICS = "statistics"
"""The hand-crafted features of research.features.statistics: one vector a song."""
STATISTICS_MEL = MelSettings()
PIECES_AT_ONCE = 4
"""Memory stays bounded however long the song."""


@dataclass(frozen=True, kw_only=True)
class FrozenEncoder:
    """A front-end of `research.features.building.build_store`."""

    encoder: str
    """A key of `PUBLISHED`, "statistics", or an audio model of transformers by name or path."""
    weights: str
    """What tells these weights from others of the same name."""
    width: int
    """Values of a vector."""
    front_end: str = ""
    """What tells the spectrograms that a network of `PUBLISHED` reads here from others; empty: the encoder's own."""

    @property
    def dtype(self) -> np.dtype:
        """In which a store keeps them."""
        return np.dtype(np.float16)

    @property
    def piece_s(self) -> float | None:
        """Length of a piece, seconds; None where one vector stands for the song, however long."""
        if self.encoder == STATISTICS:
            return None
        if self.encoder in PUBLISHED:
            mel = PUBLISHED[self.encoder].mel
            return PUBLISHED[self.encoder].piece_frames * mel.hop_length / mel.sample_rate
        return PIECE_S

    def fetch(self) -> None:
        """Have the weights here before the first song needs them.

        Raises:
            ValueError: they cannot be had.
        """
        if self.encoder in PUBLISHED:  # those of the hub were loaded to know their width
            weights_file(self.encoder)

    def frames(self, path: Path) -> Float32[np.ndarray, "pieces width"]:
        """Vectors of a song's consecutive pieces; a rest shorter than a piece is left out, unless it is all there is.

        Raises:
            AudioError: the file is no usable sound.
        """
        if self.encoder == STATISTICS:
            mel = STATISTICS_MEL.frames(path)
            if len(mel) < 2:
                raise AudioError(f"{path} is too short for statistics; use a longer recording")
            return _statistics(mel)
        if self.encoder in PUBLISHED:
            return encode_pieces(published_network(self.encoder), published_pieces(self.encoder, path))
        hub = _hub(self.encoder)
        return encode_pieces(hub, cut_pieces(decode(path, hub.sample_rate), hub.piece_samples))


def frozen_encoder(name: str) -> FrozenEncoder:
    """The front-end of an encoder by name.

    Raises:
        ValueError: neither known here nor a folder, nor named as models on the hub are; or one that cannot be loaded.
    """
    if name == STATISTICS:
        of_nothing = _statistics(np.zeros((2, STATISTICS_MEL.n_mels), np.float32))
        return FrozenEncoder(encoder=name, weights="", width=of_nothing.shape[1])
    if name in PUBLISHED:
        published = PUBLISHED[name]
        return FrozenEncoder(
            encoder=name,
            weights=published.sha256[:16],
            width=published.build().dim,
            front_end=hashlib.blake2b(f"{published.mel} {published.piece_frames}".encode(), digest_size=8).hexdigest(),
        )
    if "/" not in name and not Path(name).is_dir():  # the hub would be asked first, offline for 46 s
        known = ", ".join([STATISTICS, *PUBLISHED])
        raise ValueError(f"unknown encoder {name!r}; there are {known}, and audio models of transformers (OWNER/NAME)")
    return FrozenEncoder(encoder=name, weights=_hub(name).fingerprint, width=_hub(name).dim)


def published_pieces(name: str, path: Path) -> Float32[np.ndarray, "pieces n_mels frames"]:
    """What an encoder of `PUBLISHED` hears of a song.

    Raises:
        AudioError: the file is no usable sound.
    """
    published = PUBLISHED[name]
    return cut_pieces(published.mel.frames(path), published.piece_frames).transpose(0, 2, 1)


@cache
def published_network(name: str) -> nn.Module:
    """An encoder of `PUBLISHED`, loaded once; see `load_published`."""
    return load_published(name)


def cut_pieces(values: np.ndarray, length: int) -> np.ndarray:
    """Consecutive pieces along the first axis, (pieces, length, ...); what is shorter repeats until it fills one."""
    if len(values) < length:
        return np.resize(values, (1, length, *values.shape[1:]))
    count = len(values) // length
    return values[: count * length].reshape(count, length, *values.shape[1:])


@torch.inference_mode()
def encode_pieces(network: nn.Module, pieces: np.ndarray) -> Float32[np.ndarray, "pieces width"]:
    """A few at a time, in bf16 where the CPU computes in it."""
    vectors = []
    for start in range(0, len(pieces), PIECES_AT_ONCE):
        block = torch.from_numpy(np.ascontiguousarray(pieces[start : start + PIECES_AT_ONCE]))
        with fast_products():
            vectors.append(network(block).float().numpy())
    return np.concatenate(vectors)


def _statistics(mel: Float32[np.ndarray, "frames n_mels"]) -> Float32[np.ndarray, "1 width"]:
    groups = song_statistics(mel, STATISTICS_MEL)
    return np.concatenate(list(groups.values())).astype(np.float32)[None]


@cache
def _hub(name: str) -> HubAudio:
    return HubAudio(name)
