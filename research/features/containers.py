"""Audio that libsndfile does not read (M4A and other MP4, AAC, WMA, WebM), decoded by FFmpeg through PyAV."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import Float32

CONTAINER_SUFFIXES = frozenset({".m4a", ".m4b", ".aac", ".wma", ".webm", ".mka"})
"""Of files that are taken from a folder; a video's sound (.mp4, .mkv) is read if it is named."""
MATROSKA, ASF, ID3 = b"\x1aE\xdf\xa3", b"0&\xb2u", b"ID3"
"""First bytes of WebM and Matroska, of WMA, and of tags before AAC or MP3."""
HEADER_BYTES, DROPPED_FRAMES = 12, 65_536

Block = Float32[np.ndarray, "frames channels"]


class ContainerError(OSError):
    """FFmpeg does not decode the file."""


class ContainerFile:
    """The first audio stream of a file, at its own rate; as much of a `soundfile.SoundFile` as is used here."""

    samplerate: int
    channels: int
    frames: int
    """As many as the container promises."""

    def __init__(self, path: Path):
        """
        Raises:
            ContainerError: no audio that FFmpeg decodes.
        """
        import av  # .2 s that other files need not wait for

        self._resampler = av.AudioResampler
        # PyAV has errors of FFmpeg, and others for a stream that lacks a decoder or changes its layout midway.
        self._errors = (av.FFmpegError, AttributeError, ValueError)
        with self._refusing():
            self._container = av.open(str(path), metadata_errors="replace")
        try:
            with self._refusing():
                self._stream = self._container.streams.audio[0]
                self.samplerate, self.channels = int(self._stream.rate), int(self._stream.channels)
                self.frames = self._count_frames()
                self._start_at(0)
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> "ContainerFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def seek(self, frame: int) -> None:
        """Let the next `read` begin at `frame`. Where time stamps do not name samples, what lies before is decoded.

        AAC has noise drawn for some bands: after a jump, other noise than in the whole.

        Raises:
            ContainerError: the file cannot be positioned.
        """
        with self._refusing():
            if self._stamps_name_samples() or frame < self._position:
                self._start_at(frame)
        dropped = np.empty((DROPPED_FRAMES, self.channels), np.float32)
        while self._position < frame and len(self.read(frame - self._position, dropped)):
            pass

    def read(self, n_frames: int, out: Float32[np.ndarray, "room channels"]) -> Block:
        """The next `n_frames`, or fewer at the end or before a damage, in `out`."""
        n_read, n_frames = 0, min(n_frames, len(out))
        while n_read < n_frames:
            if not len(self._rest):
                self._rest = next(self._blocks, self._rest)
                if not len(self._rest):
                    break
            taken = self._rest[: n_frames - n_read]
            out[n_read : n_read + len(taken)] = taken
            n_read, self._rest = n_read + len(taken), self._rest[len(taken) :]
        self._position += n_read
        return out[:n_read]

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except IndexError as error:
            raise ContainerError("it has no audio") from error
        except self._errors as error:
            raise ContainerError(getattr(error, "strerror", None) or "damaged, or no audio that is known") from error

    def _count_frames(self) -> int:
        if self._stamps_name_samples() and self._stream.duration:
            return round(self._stream.duration * self._stream.time_base * self.samplerate)
        # A length that is guessed from the bit rate may be too short: packets tell theirs without being decoded.
        units = 0
        try:
            for packet in self._container.demux(self._stream):
                units += packet.duration or 0
        except self._errors:  # damaged from here on
            pass
        return round(units * self._stream.time_base * self.samplerate)

    def _stamps_name_samples(self) -> bool:
        """In MP4 they do; in WebM and WMA they are milliseconds, in AAC alone guesses."""
        return self._stream.start_time is not None and 1 / self._stream.time_base % self.samplerate == 0

    def _start_at(self, frame: int) -> None:
        """Read on from `frame` where stamps name samples, else from the beginning."""
        exact = frame > 0 and self._stamps_name_samples()
        self._container.seek(0)
        if exact:
            stamp = self._stream.start_time + int(frame / self.samplerate / self._stream.time_base)
            self._container.seek(stamp, stream=self._stream)
        self._blocks = self._decoded(frame if exact else 0)
        self._position, self._rest = (frame if exact else 0), np.empty((0, self.channels), np.float32)

    def _decoded(self, first: int) -> Iterator[Block]:
        """Blocks of at least one frame from frame `first` on, 0 being where the container stands."""
        resampler = self._resampler(format="flt", layout=self._stream.layout, rate=self.samplerate)
        position = None if first else 0
        try:
            for frame in self._container.decode(self._stream):
                if position is None:
                    since_start = (frame.pts - self._stream.start_time) * self._stream.time_base
                    position = round(since_start * self.samplerate)
                for packed in resampler.resample(frame):
                    block = packed.to_ndarray().reshape(-1, self.channels)
                    position += len(block)
                    if position > first:
                        yield block[-(position - first) :]
        except self._errors:  # Damaged from here on: what decoded before is kept.
            return


def is_container(path: Path) -> bool:
    """Whether a file is one of these, by its first bytes: content and not its name decides.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        if header.startswith(ID3) and len(header) == HEADER_BYTES:
            file.seek(10 + sum(byte << shift for byte, shift in zip(header[6:10], (21, 14, 7, 0), strict=True)))
            header = file.read(HEADER_BYTES)
    # AAC's frames begin as MP3's do, but for two bits that are never 0 in MP3.
    adts = len(header) > 1 and header[0] == 0xFF and header[1] & 0xF6 == 0xF0
    return header[4:8] == b"ftyp" or header.startswith((MATROSKA, ASF)) or adts
