"""Audio that libsndfile does not read (M4A and other MP4, AAC, WMA, WebM), decoded by FFmpeg through PyAV."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
from jaxtyping import Float32

CONTAINER_SUFFIXES = frozenset({".m4a", ".m4b", ".aac", ".wma", ".webm", ".mka"})
"""Of files that are taken from a folder; a video's sound (.mp4, .mkv) is read if it is named."""
HEADER_BYTES = 12
MATROSKA, ASF = b"\x1aE\xdf\xa3", b"0&\xb2u"
"""First bytes of WebM and Matroska, and of WMA."""

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

        self._errors, self._resampler = av.FFmpegError, av.AudioResampler
        try:
            self._container = av.open(str(path))
        except av.FFmpegError as error:
            raise ContainerError(error.strerror) from error
        if not self._container.streams.audio or not self._container.streams.audio[0].rate:
            self._container.close()
            raise ContainerError("it has no audio that FFmpeg decodes")
        self._stream = self._container.streams.audio[0]
        self.samplerate, self.channels = self._stream.rate, self._stream.channels
        self.frames = self._count_frames()
        self._blocks, self._rest = self._decoded(0), np.empty((0, self.channels), np.float32)

    def __enter__(self) -> "ContainerFile":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def seek(self, frame: int) -> None:
        """Let the next `read` begin at `frame`. Where time stamps do not name samples, all before it is decoded.

        AAC has noise drawn for some bands: after a jump, other noise than in the whole.
        """
        self._blocks, self._rest = self._decoded(frame), self._rest[:0]

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
        return out[:n_read]

    def _count_frames(self) -> int:
        if self._stamps_name_samples() and self._stream.duration:
            return round(self._stream.duration * self._stream.time_base * self.samplerate)
        # A length that is guessed from the bit rate may be too short: packets tell theirs without being decoded.
        try:
            units = sum(packet.duration or 0 for packet in self._container.demux(self._stream))
        except self._errors:
            units = 0
        self._container.seek(0)
        return round(units * self._stream.time_base * self.samplerate)

    def _stamps_name_samples(self) -> bool:
        """In MP4 they do; in WebM and WMA they are milliseconds, in AAC alone guesses."""
        per_second = 1 / self._stream.time_base
        return self._stream.start_time is not None and per_second % self.samplerate == 0

    def _decoded(self, first: int) -> Iterator[Block]:
        """Blocks of at least one frame, from frame `first` on."""
        self._container.seek(0)
        exact, position = first > 0 and self._stamps_name_samples(), 0
        if exact:
            self._container.seek(int(first / self.samplerate / self._stream.time_base), stream=self._stream)
        resampler = self._resampler(format="flt", layout=self._stream.layout, rate=self.samplerate)
        try:
            for frame in self._container.decode(self._stream):
                if exact:
                    position, exact = round(frame.pts * self._stream.time_base * self.samplerate), False
                for packed in resampler.resample(frame):
                    block = packed.to_ndarray().reshape(-1, self.channels)
                    position += len(block)
                    if position > first:
                        yield block[-(position - first) :]
        except self._errors:  # Damaged from here on: what decoded before is kept.
            return


def is_container(path: Path) -> bool:
    """Whether a file is one of these, by its first bytes: content and not its name decides."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
    # AAC's frames begin as MP3's do, but for two bits that are never 0 in MP3.
    adts = len(header) > 1 and header[0] == 0xFF and header[1] & 0xF6 == 0xF0
    return header[4:8] == b"ftyp" or header.startswith((MATROSKA, ASF)) or adts
