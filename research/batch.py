"""The batch, a dataclass of tensors that a model reads, and what the training loop needs to know of its songs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Protocol, TypeVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8
from torch import Tensor
from torch.utils.data import DataLoader

Moved = TypeVar("Moved")


@dataclass(frozen=True)
class _Tensors:
    """Tensors that are moved between devices together."""

    def to(self: Moved, device: torch.device | str, non_blocking: bool = False) -> Moved:
        """The same songs on another device; accelerate moves batches through this method."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pin_memory(self: Moved) -> Moved:
        """The same songs in pinned memory, for asynchronous copies to a GPU; a DataLoader calls this."""
        return self._each(Tensor.pin_memory)

    def _each(self: Moved, change: Callable[[Tensor], Tensor]) -> Moved:
        return type(self)(**{field.name: change(getattr(self, field.name)) for field in fields(self)})


@dataclass(frozen=True)
class Batch(_Tensors):
    """A batch of songs. `has_*` is false for a modality that a song lacks or the model does not read; values in its
    place in `mel` and `input_ids` are never used."""

    mel: Float[Tensor, "batch windows n_mels frames"]
    """Log-mel in dB; in training one random window per song, in evaluation several evenly spaced ones."""
    input_ids: Int[Tensor, "batch tokens"]
    attention_mask: Int[Tensor, "batch tokens"]
    audio_vectors: Float[Tensor, "batch audio_dim"]
    """Audio embeddings of frozen encoders, or the model's own, computed before; no columns: it reads `mel`."""
    lyrics_vectors: Float[Tensor, "batch lyrics_dim"]
    """Lyrics embeddings of a frozen encoder, see research.embeddings; no columns if the model reads the tokens."""
    has_audio: Bool[Tensor, " batch"]
    has_lyrics: Bool[Tensor, " batch"]
    target: Int[Tensor, " batch"] | Float[Tensor, "batch labels"]
    """Position of the mood in the label space, -1 if unknown; if tags are learned, 0, 1 or NaN (unknown) for each
    label."""
    track_index: Int[Tensor, " batch"]
    """Row of the song in the track table."""

    @cached_property
    def heard(self) -> Int[Tensor, " heard"]:
        """Places in the batch of the songs with sound."""
        return self.has_audio.nonzero().squeeze(1)

    @cached_property
    def read(self) -> Int[Tensor, " read"]:
        """Places in the batch of the songs with words."""
        return self.has_lyrics.nonzero().squeeze(1)

    def with_inputs(self, **inputs: Tensor) -> "Batch":
        """The same songs with other sound, words or vectors; who has which side stays."""
        changed = replace(self, **inputs)
        vars(changed).update(heard=self.heard, read=self.read)
        return changed

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        changed = super()._each(change)
        # Counted before they move: to learn from a GPU how many they are, the CPU waits for all it asked of it before.
        vars(changed).update(heard=change(self.heard), read=change(self.read))
        return changed


@dataclass(frozen=True)
class PictureBatch(_Tensors):
    """A batch of pictures, as they are on disk: channels last."""

    pictures: UInt8[Tensor, "batch height width rgb"]
    target: Int[Tensor, " batch"]
    """Position of the mood in the label space."""
    track_index: Int[Tensor, " batch"]
    """Row of the song in the track table."""


class SongSet(Protocol):
    """Songs for training or prediction, as `research.training.loop` needs them."""

    rows: Int[np.ndarray, " songs"]
    """Positions in the track table."""
    targets: Int[np.ndarray, " songs"] | Float[np.ndarray, "songs labels"]
    """See `research.labels.target_array`."""
    epoch: int
    """Set by the loop; all randomness depends on it."""

    @property
    def n_labels(self) -> int: ...

    @property
    def n_tags(self) -> int:
        """How many of the last labels are tags, of which a song can have any number; the others are moods."""
        ...

    def __len__(self) -> int: ...

    def loader(self, batch_size: int) -> DataLoader:
        """Batches that have `target` and `track_index` once `to` brought them to a device; its batch sampler has an
        `epoch` too."""
        ...


def pad_tokens(tokens: Sequence[np.ndarray]) -> tuple[Int[np.ndarray, "batch tokens"], Int[np.ndarray, "batch tokens"]]:
    """Padded token ids and their attention mask; padding has id 0."""
    width = max((len(ids) for ids in tokens), default=0)
    mask = np.arange(width) < np.array([[len(ids)] for ids in tokens])
    input_ids = np.zeros(mask.shape, dtype=np.int64)
    input_ids[mask] = np.concatenate(tokens)
    return input_ids, mask.astype(np.int64)
