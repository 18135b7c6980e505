"""Batches of audio samples, whose spectrograms are computed and augmented on the training device."""

from dataclasses import dataclass, fields, replace
from functools import cache

import torch
from jaxtyping import Float, Int, Int16
from torch import Tensor

from research.batch import Batch
from research.features.audio import MelSettings
from research.features.augment import fill_masks
from research.features.waveforms import Waveforms, unpack
from research.models.log_mel import LogMel


@dataclass(frozen=True)
class WaveformBatch:
    """Songs on their way to a device, where `to` makes a `Batch` of them: so that the loop, the losses and the models
    know of spectrograms alone."""

    songs: Batch
    """All but their sound."""
    rows: Int16[Tensor, "heard windows rows width"]
    """As stored, see research.features.waveforms: frames of windows with their context."""
    heard: Int[Tensor, " heard"]
    """Places in the batch of the songs that these are of."""
    n_frames: Int[Tensor, " heard"]
    """Frames of the whole song: where it is shorter than a window, its spectrogram repeats."""
    masks: Int[Tensor, "heard masks 2"]
    """Of SpecAugment, see `research.features.augment.fill_masks`."""
    gains: Float[Tensor, " heard"]
    """dB by which a spectrogram is made louder."""
    waveforms: Waveforms

    def to(self, device: torch.device | str, non_blocking: bool = False) -> Batch:
        """The same songs on a device, with their spectrograms; nothing here makes the CPU wait for the device."""
        moved = {name: part.to(device, non_blocking=non_blocking) for name, part in self._parts().items()}
        songs, rows, heard = moved["songs"], moved["rows"], moved["heard"]
        samples, loudest = unpack(rows.flatten(0, 1), self.waveforms)
        mel = _log_mel(self.waveforms.mel, rows.device)(samples, loudest).unflatten(0, rows.shape[:2])
        at = torch.arange(mel.shape[3], device=rows.device) % moved["n_frames"][:, None]  # (heard, frames)
        mel = mel.gather(3, at[:, None, None].expand_as(mel))
        mel = fill_masks(mel, moved["masks"]) + moved["gains"][:, None, None, None]
        everywhere = mel.new_zeros(len(songs.target), *mel.shape[1:])
        return songs.with_inputs(mel=everywhere.index_copy(0, heard, mel))

    def pin_memory(self) -> "WaveformBatch":
        """The same songs in memory that a GPU reads while the CPU goes on; a DataLoader calls this."""
        return replace(self, **{name: part.pin_memory() for name, part in self._parts().items()})

    def _parts(self) -> dict[str, Batch | Tensor]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "waveforms"}


@cache
def _log_mel(settings: MelSettings, device: torch.device) -> LogMel:
    return LogMel(settings).to(device)
