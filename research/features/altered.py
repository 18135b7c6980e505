"""Altered copies of recordings for training: higher or lower, faster or slower, louder or softer, as any front-end.

Altering takes longer than a training step, so it cannot be done anew in every epoch. Instead each recording has a few
copies, whose spectrograms or embeddings are in stores of their own beside the real ones.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import soxr
from jaxtyping import Float32, Num

from research.features.audio import decode
from research.features.shards import FrontEnd

SAMPLE_RATE = 22_050
"""Hz; what the front-ends read at most. A model of transformers may read more, and misses what lies above 11 kHz."""
SEMITONES = 2.0
"""Furthest that the pitch moves, up or down; a mood is hardly another a whole tone higher."""
STRETCH = 0.1
"""Furthest that the tempo moves, as a share of it: 120 beats a minute become 108 to 132."""
GAIN_DB = 6.0
"""Furthest that the level moves."""


@dataclass(frozen=True, kw_only=True)
class AlteredSound:
    """A front-end of `research.features.building.build_store`: another front-end's frames of an altered recording."""

    front_end: FrontEnd
    copy: int
    """Which of a recording's copies; each is altered in its own way."""
    semitones: float = SEMITONES
    stretch: float = STRETCH
    gain_db: float = GAIN_DB

    @property
    def width(self) -> int:
        """Values a frame."""
        return self.front_end.width

    @property
    def dtype(self) -> np.dtype:
        """In which a store keeps them."""
        return self.front_end.dtype

    def frames(self, path: Path) -> Num[np.ndarray, "frames width"]:
        """Frames of the altered recording; how it is altered depends on the bytes of the file and on `copy` alone.

        Raises:
            AudioError: the file is no usable sound.
        """
        samples = decode(path, SAMPLE_RATE)
        digest = hashlib.blake2b(path.read_bytes(), digest_size=8).digest()
        draws = np.random.default_rng([self.copy, int.from_bytes(digest)]).uniform(-1, 1, 3)
        altered = alter(
            samples,
            semitones=float(self.semitones * draws[0]),
            tempo=float(1 + self.stretch * draws[1]),
            gain_db=float(self.gain_db * draws[2]),
        )
        with TemporaryDirectory(prefix="altered-") as folder:
            file = Path(folder) / f"{path.stem}.wav"
            soundfile.write(file, altered, SAMPLE_RATE, subtype="FLOAT")
            return self.front_end.frames(file)


def alter(
    samples: Float32[np.ndarray, " samples"], *, semitones: float, tempo: float, gain_db: float
) -> Float32[np.ndarray, " altered"]:
    """Sound at another pitch, tempo and level.

    One phase vocoder changes the length, then soxr plays the result at another speed, which sets pitch and length to
    what is asked: half the work of `librosa.effects.time_stretch` and `pitch_shift` one after the other.

    Args:
        semitones: by which the pitch moves; negative lowers it.
        tempo: factor; 1.1 is a tenth faster, and so much shorter.
        gain_db: by which the level moves; nothing is clipped, since samples stay floating-point numbers.
    """
    from librosa.effects import time_stretch  # seconds to import, and only for training

    speed = 2 ** (semitones / 12)
    stretched = time_stretch(samples, rate=tempo / speed)
    played = soxr.resample(stretched, SAMPLE_RATE * speed, SAMPLE_RATE, quality="HQ")
    return (played * 10 ** (gain_db / 20)).astype(np.float32)
