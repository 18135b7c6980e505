"""A song's audio as each network of a model hears it, mapped to one common spectrogram of the whole song."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, Int
from torch import Tensor, nn

from research.data.songs import InputConfig
from research.features.audio import MelSettings, band_centres, load_log_mel
from research.features.source import OpenedSong
from research.inference.listening import listen
from research.models.classifier import MoodClassifier
from research.models.frozen import frozen_encoder, published_pieces
from research.models.published import PUBLISHED

Plane = Float[np.ndarray, "frames n_mels"]


@dataclass(frozen=True, eq=False)
class Pieces:
    """What one network hears, and where that lies in the common picture."""

    mel: Float32[Tensor, "pieces n_mels frames"]
    neutral: Float32[Tensor, "n_mels 1"]
    """The mean of the sound it was trained on, after which its first layer reads zero: says nothing about a song."""
    frame_of: Int[np.ndarray, "pieces frames"]
    band_of: Int[np.ndarray, " n_mels"]

    def placed(self, values: Float[np.ndarray, "pieces n_mels frames"], onto: Plane) -> None:
        """Add values to the cells of the picture where they were heard: their sum stays the same."""
        np.add.at(onto, (self.frame_of[:, None, :], self.band_of[None, :, None]), values)

    def without(self, gone: Bool[np.ndarray, "frames n_mels"]) -> "Pieces":
        """The same, with cells of the picture made neutral."""
        mask = torch.from_numpy(gone[self.frame_of[:, None, :], self.band_of[None, :, None]])
        return replace(self, mel=torch.where(mask, self.neutral, self.mel))


@dataclass(frozen=True, eq=False)
class Sound:
    """One song, by all networks of a model."""

    spectrogram: Plane
    """Log-mel power, dB; the common picture."""
    frame_s: float
    band_hz: Float[np.ndarray, " n_mels"]
    """Centres of its bands."""
    pieces: dict[str, Pieces]
    """By encoder; a network that learned is called by its own name."""
    fixed: dict[str, Float32[Tensor, "1 width"]]
    """Vectors of encoders that no gradient passes: hand-crafted features, and models that read samples."""

    def without(self, gone: Bool[np.ndarray, "frames n_mels"]) -> "Sound":
        """The same song, with cells of the picture made neutral for every network; `fixed` stays."""
        return replace(self, pieces={name: pieces.without(gone) for name, pieces in self.pieces.items()})


def hear(song: OpenedSong, model: MoodClassifier, inputs: InputConfig, networks: dict[str, nn.Module]) -> Sound:
    """A whole song; of one that is kept in excerpts (see `research.features.source`), these one after the other.

    Args:
        networks: of the encoders that are networks on spectrograms, by name.

    Raises:
        AudioError: the file is no usable sound.
    """
    picture = MelSettings(
        sample_rate=inputs.mel.sample_rate, hop_length=inputs.mel.hop_length, n_mels=inputs.mel.n_mels
    )
    spectrogram = load_log_mel(song.path, picture)
    pieces, fixed = {}, {}
    for name in model.config.audio.frozen:
        if name in PUBLISHED:
            settings, mel = PUBLISHED[name].mel, published_pieces(name, song.path)
            starts = np.arange(len(mel)) * mel.shape[2]
            pieces[name] = _placed(mel, starts, settings, networks[name].normalise, picture, len(spectrogram))
        else:
            fixed[name] = torch.from_numpy(frozen_encoder(name).frames(song.path).mean(axis=0, keepdims=True))
    if not model.config.audio.frozen:
        heard = listen(song, model, inputs)
        mel, normalise = heard.mel.transpose(0, 2, 1), model.audio.normalise
        name = model.config.audio.network
        pieces[name] = _placed(mel, heard.first_frames, inputs.mel, normalise, picture, len(spectrogram))
    frame_s = picture.hop_length / picture.sample_rate
    return Sound(spectrogram, frame_s, band_centres(picture), pieces, fixed)


def tile_numbers(shape: Sequence[int], tile: Sequence[int]) -> Int[np.ndarray, "frames n_mels"]:
    """The number of the tile in which each cell lies, from 0.

    Args:
        tile: frames and bands of a tile; those at the edges may be smaller.
    """
    frames, bands = (np.arange(length) // step for length, step in zip(shape, tile, strict=True))
    return frames[:, None] * (bands[-1] + 1) + bands


def _placed(
    mel: Float32[np.ndarray, "pieces n_mels frames"],
    starts: Int[np.ndarray, " pieces"],
    settings: MelSettings,
    normalise: nn.Module,
    picture: MelSettings,
    n_frames: int,
) -> Pieces:
    seconds = (starts[:, None] + np.arange(mel.shape[2])) * settings.hop_length / settings.sample_rate
    frame_of = np.round(seconds * picture.sample_rate / picture.hop_length).astype(int)
    distance = np.abs(band_centres(settings)[:, None] - band_centres(picture))
    mean = normalise.running_mean.detach()  # one of all bands, or one a band
    return Pieces(
        mel=torch.from_numpy(np.ascontiguousarray(mel)),
        neutral=mean.expand(mel.shape[1])[:, None].clone(),
        # A song shorter than a piece is repeated to fill it.
        frame_of=frame_of % n_frames if len(mel) == 1 else np.minimum(frame_of, n_frames - 1),
        band_of=distance.argmin(axis=1),
    )
