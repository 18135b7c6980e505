"""A user's song (file, bytes or samples) as an audio file of bounded length."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from numbers import Real
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
from jaxtyping import Float, Float32, Shaped

from research.features.audio import decode, decode_part, window_starts
from research.features.containers import ContainerFile
from research.features.files import AudioError, open_audio

Source = Path | bytes | tuple[np.ndarray, int | float | np.number]
"""A sound file, its content, or samples, (samples,) or (samples, channels), with their rate in Hz, a whole number. Full
scale is 1, or the largest value of an integer type."""
LONGEST_S = 1_200.0
"""Longer recordings are heard in excerpts, together this long, so that memory and time stay bounded."""
EXCERPT_S = 30.0
LOUDEST = 100.0
"""40 dB over full scale: beyond, samples are taken for integers that somebody made floating-point numbers."""
MAX_CHANNELS = 64
"""Arrays with more, or with no more samples than channels, are taken for channels first."""
MAX_RATE = 2**31 - 1
"""Hz; what a WAV can say."""


@dataclass(frozen=True, eq=False)
class OpenedSong:
    """A readable file of at most `LONGEST_S`, and when in the song what it holds was played."""

    path: Path
    file_s: float
    """Length of that file."""
    duration_s: float
    """Of the whole song."""
    starts_s: Float[np.ndarray, " excerpts"]
    """When in the song what the file holds, one after the other, begins; all but the last last `EXCERPT_S`."""

    def middle_s(self, length_s: float) -> float:
        """Where in the file its middle `length_s` seconds begin; 0 where it is shorter."""
        return max(0.0, (self.file_s - length_s) / 2)

    def cut_to(self, decoded_s: float) -> "OpenedSong":
        """The song as it is where no more of the file decodes: one that was cut short promises more."""
        if decoded_s >= self.file_s:
            return self
        return replace(self, file_s=decoded_s, duration_s=float(self.song_time(np.array([decoded_s]))[0]))

    def song_time(self, at_s: Float[np.ndarray, " times"]) -> Float[np.ndarray, " times"]:
        """Seconds from the start of the song, given those from the start of the file."""
        excerpt = np.minimum(at_s // EXCERPT_S, len(self.starts_s) - 1).astype(int)
        return self.starts_s[excerpt] + at_s - excerpt * EXCERPT_S


@contextmanager
def open_song(source: Source, decoded: bool = False) -> Iterator[OpenedSong]:
    """Give a song as a file; what had to be written for it is gone afterwards.

    A song longer than `LONGEST_S` becomes excerpts of `EXCERPT_S` that are spread evenly over it, as far as it
    decodes.

    Args:
        decoded: give mono samples as a WAV, clipped at full scale, for who reads the song several times.

    Raises:
        AudioError: no sound file, a recording of nothing, or an array that is no samples.
    """
    with TemporaryDirectory(prefix="song-") as folder:
        path = source if isinstance(source, Path) else _written(source, Path(folder))
        with open_audio(path, None if isinstance(source, Path) else "the sound") as file:
            rate, duration_s = file.samplerate, file.frames / file.samplerate
        song = OpenedSong(path, duration_s, duration_s, np.zeros(1))
        if duration_s > LONGEST_S:
            song = _in_excerpts(song, rate, Path(folder) / "excerpts.wav")
        elif decoded:
            song = _decoded(song, rate, Path(folder) / "decoded.wav")
        yield song


def _written(source: bytes | tuple[Shaped[np.ndarray, "..."], int | float | np.number], folder: Path) -> Path:
    path = folder / "song"
    if isinstance(source, bytes):
        path.write_bytes(source)
        return path
    samples, rate = _checked(*source)
    path = path.with_suffix(".wav")
    soundfile.write(path, samples, rate, subtype="FLOAT")
    return path


def _checked(samples: Shaped[np.ndarray, "..."], rate: object) -> tuple[Float32[np.ndarray, "..."], int]:
    samples = np.asarray(samples)
    if not samples.size:
        raise AudioError("the array holds no samples; give (samples,) or (samples, channels)")
    n_channels = samples.shape[1] if samples.ndim == 2 else 1
    if samples.ndim not in (1, 2) or n_channels > min(MAX_CHANNELS, max(1, len(samples) - 1)):
        raise AudioError(f"samples of shape {samples.shape}; give (samples, channels); transpose where channels lead")
    if not (isinstance(rate, Real) and 1 <= rate <= MAX_RATE and rate % 1 == 0):
        raise AudioError(f"the rate is {rate!r}; give it in Hz, as a whole number, such as 44100")
    if samples.dtype.kind == "i":
        samples = samples / (np.iinfo(samples.dtype).max + 1.0)
    elif samples.dtype.kind != "f":
        raise AudioError(
            f"the samples are {samples.dtype}; give signed integers, or floating-point numbers of 1 at most"
        )
    if np.abs(samples).max() > LOUDEST:
        raise AudioError(
            f"the samples reach {np.abs(samples).max():g} where full scale is 1; divide those of 16 bits by 32,768"
        )
    return samples.astype(np.float32, copy=False), int(rate)


def _decoded(song: OpenedSong, rate: int, target: Path) -> OpenedSong:
    samples = decode(song.path, rate, clip=True)
    soundfile.write(target, samples, rate, subtype="FLOAT")
    return replace(song, path=target).cut_to(len(samples) / rate)


def _in_excerpts(song: OpenedSong, rate: int, target: Path) -> OpenedSong:
    count = round(LONGEST_S / EXCERPT_S)
    starts_s = window_starts(int(song.duration_s), round(EXCERPT_S), count).astype(float)
    n_excerpts = n_samples = 0
    with soundfile.SoundFile(target, "w", rate, channels=1, subtype="FLOAT") as file:
        for samples in _excerpts(song.path, rate, starts_s):
            file.write(samples)
            n_excerpts, n_samples = n_excerpts + 1, n_samples + len(samples)
            if n_samples < round(n_excerpts * EXCERPT_S * rate):
                break  # After one that ends early the song is over, as far as it decodes.
    whole = OpenedSong(target, count * EXCERPT_S, song.duration_s, starts_s[:n_excerpts])
    return whole.cut_to(n_samples / rate)


def _excerpts(path: Path, rate: int, starts_s: Float[np.ndarray, " excerpts"]) -> Iterator[np.ndarray]:
    """`EXCERPT_S` from each start on, or less at the last one that decodes.

    Raises:
        AudioError: the first does not decode.
    """
    with open_audio(path) as opened:
        # Of WMA and the like, whose parts are found by decoding what lies before, all are read in one pass.
        in_one_pass = isinstance(opened, ContainerFile)
        read = partial(decode_part, opened, path) if in_one_pass else partial(decode, path)
        for number, start_s in enumerate(starts_s):
            try:
                samples = read(rate, start_s, EXCERPT_S, clip=True)
            except AudioError:
                if not number:
                    raise
                return
            yield samples
