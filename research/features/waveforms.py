"""Audio samples in a feature store, for spectrograms that are computed on the training device.

The same array, index and batched reads as for spectrograms (research.features.store); a row is one hop of samples.
Four times the bytes of 128 mel bands in float16 at the default hop.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int16
from torch import Tensor

from research.features.audio import MelSettings, decode, log_mel

LEVELS = 2
"""Columns behind the samples of each row, the same in all rows of a song: its exponent (samples are fractions of
2**exponent) and its loudest mel value in hundredths of a dB."""
FULL_SCALE = 32_767


@dataclass(frozen=True, kw_only=True)
class Waveforms:
    """A front-end of `research.features.building.build_store`: int16 samples, mono, at the rate of a spectrogram.

    Samples are scaled by a power of two so that the loudest of the song lies between half and full scale: nothing is
    clipped. Lossy files decode to more than full scale, half of the clips of `qaed4` to more than 1.4 times as much;
    clipped there, 12 % of their mel values were off by more than 0.1 dB. Rounded like this 0.03 % are, by 0.45 dB at
    most, all 63 dB or more below the song's loudest (60 clips, `top_db` 80; without a range 3 %, near digital silence
    by up to 28 dB).
    """

    mel: MelSettings = MelSettings()
    """The spectrogram that the samples become, see research.models.log_mel."""

    @property
    def width(self) -> int:
        """Values a row: samples of a hop, then `LEVELS`."""
        return self.mel.hop_length + LEVELS

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.int16)

    @property
    def context(self) -> int:
        """Rows that a window of frames needs before and after its own, since frames are centred and overlap."""
        return -(-(self.mel.n_fft // 2) // self.mel.hop_length)

    def frames(self, path: Path) -> Int16[np.ndarray, "rows width"]:
        """A whole sound file: a row a frame of its spectrogram, with `context` rows of silence before and after.

        These are the zeros with which `log_mel` pads, so that a window at either end of a song is read like any other.

        Raises:
            AudioError: the file is no usable sound.
        """
        samples = decode(path, self.mel.sample_rate)
        loudest = log_mel(samples, self.mel).max() if self.mel.top_db is not None else 0.0
        exponent = int(np.frexp(np.abs(samples).max())[1])
        n_frames = 1 + len(samples) // self.mel.hop_length
        rows = np.zeros((n_frames + 2 * self.context, self.width), np.int16)
        rows[:, -LEVELS:] = exponent, round(100 * float(loudest))
        padded = np.pad(samples, (0, n_frames * self.mel.hop_length - len(samples)))
        scaled = np.rint(padded * np.float32(FULL_SCALE / 2.0**exponent))
        rows[self.context : self.context + n_frames, :-LEVELS] = scaled.reshape(n_frames, -1)
        return rows


def unpack(
    rows: Int16[Tensor, "windows rows width"], waveforms: Waveforms
) -> tuple[Float[Tensor, "windows samples"], Float[Tensor, " windows"]]:
    """Samples that the frames of windows are computed from, and the loudest value of each window's song, dB.

    Args:
        rows: of windows, with their context.
    """
    mel, context = waveforms.mel, waveforms.context
    levels = rows[:, 0, -LEVELS:].float()
    first = context * mel.hop_length - mel.n_fft // 2
    length = (rows.shape[1] - 2 * context - 1) * mel.hop_length + mel.n_fft
    samples = rows[:, :, :-LEVELS].flatten(1).narrow(1, first, length).float()
    return samples * (levels[:, :1].exp2() / FULL_SCALE), levels[:, 1] / 100
