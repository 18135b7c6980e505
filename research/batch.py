"""What a model reads: one dataclass of tensors."""

from dataclasses import dataclass, fields

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Songs side by side. A side that a song lacks, or that the model does not read, is said so in `has_*`; what stands
    in its place in `mel` and `input_ids` is never looked at."""

    mel: Float[Tensor, "batch windows n_mels frames"]
    """Log-mel in dB; in training one random window a song, in evaluation several evenly spaced ones."""
    input_ids: Int[Tensor, "batch tokens"]
    attention_mask: Int[Tensor, "batch tokens"]
    has_audio: Bool[Tensor, " batch"]
    has_lyrics: Bool[Tensor, " batch"]
    target: Int[Tensor, " batch"]
    """Position of the mood in the label space; -1 where none is known."""
    track_index: Int[Tensor, " batch"]
    """Row of the song in the track table."""

    def to(self, device: torch.device | str, non_blocking: bool = False) -> "Batch":
        """The same songs on another device; accelerate moves batches through this method."""
        moved = {f.name: getattr(self, f.name).to(device, non_blocking=non_blocking) for f in fields(self)}
        return Batch(**moved)
