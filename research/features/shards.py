"""A shard: a few songs of a feature store, computed by one worker and written atomically, for the store to merge.

A worker receives only a `Shard` and returns only a path, so the songs of a large corpus pass through a shared disk, not
through a scheduler.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Num
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from research.atomic import replacing
from research.features.files import AudioError


@runtime_checkable
class FrontEnd(Protocol):
    """What makes frames of a sound file: a frozen dataclass, whose fields say how a store was made."""

    @property
    def width(self) -> int:
        """Values a frame."""
        ...

    @property
    def dtype(self) -> np.dtype:
        """In which a store keeps them."""
        ...

    def frames(self, path: Path) -> Num[np.ndarray, "frames width"]:
        """A whole sound file.

        Raises:
            AudioError: it cannot be used; the song then goes without sound.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a song lies in the array and which file it was computed from."""

    track_id: str
    offset: int = 0
    """First frame."""
    n_frames: int = 0
    skipped: str | None = None
    """Why the song has no frames: the message of its `AudioError`."""
    digest: str
    """BLAKE2b of the audio file, 16 bytes in hexadecimal."""
    size: int
    """Bytes of the audio file."""
    mtime_ns: int


@dataclass(frozen=True, kw_only=True)
class Job:
    """A song to look at, and what the store already knows of it."""

    track_id: str
    path: Path
    size: int
    mtime_ns: int
    known: Entry | None


Measured = tuple[Entry, np.ndarray | None]
"""What the index says of a song, and its frames (frames, width) where they are new."""


@dataclass(frozen=True, kw_only=True)
class Shard:
    """Songs that one worker computes at a time."""

    folder: Path
    """Where its file goes: seen under this path by every worker, as are the songs."""
    settings: FrontEnd
    jobs: tuple[Job, ...]

    def __str__(self) -> str:
        return f"songs {self.jobs[0].track_id} to {self.jobs[-1].track_id}"

    @property
    def path(self) -> Path:
        """Named by the songs and the state of their files: what another program left behind is not mistaken for it."""
        name = hashlib.blake2b(repr((self.settings, self.jobs)).encode(), digest_size=16).hexdigest()
        return self.folder / f"{name}.safetensors"


def write_shard(shard: Shard) -> Path:
    """Compute a shard's songs and write its file, unless it is there; the file's path.

    Any number of workers may do this at once or again: they write the same bytes, whole or not at all.

    Raises:
        FileNotFoundError: the folder or a song is not there on this worker's machine.
    """
    path = shard.path
    if path.is_file():
        return path
    if not shard.folder.is_dir():
        raise FileNotFoundError(
            f"{shard.folder} does not exist on {os.uname().nodename}; songs and store must lie on a disk that every "
            "worker sees under the same path"
        )
    songs = [measure(job, shard.settings) for job in shard.jobs]
    frames = [np.empty((0, shard.settings.width), shard.settings.dtype), *(mel for _, mel in songs if mel is not None)]
    index = [(asdict(entry), mel is not None) for entry, mel in songs]
    content = save({"mel": np.concatenate(frames)}, metadata={"index": json.dumps(index, ensure_ascii=False)})
    # Shared: a worker that was thought dead may be writing the same shard.
    with replacing(path, shared=True) as partial, partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path


def read_shard(path: Path) -> Iterator[Measured]:
    """Songs of a shard's file in their order.

    Raises:
        ValueError: the file is damaged.
    """
    try:
        with safe_open(path, "numpy") as file:
            index, mel = json.loads(file.metadata()["index"]), file.get_tensor("mel")
    except SafetensorError as error:
        raise ValueError(f"{path} is damaged ({error}); delete it and build the store again") from error
    first = 0
    for fields, is_new in index:
        entry = Entry(**fields)
        yield entry, mel[first : first + entry.n_frames] if is_new else None
        first += entry.n_frames if is_new else 0


def measure(job: Job, settings: FrontEnd) -> Measured:
    """Decode a song, unless the store has frames of a file with the same bytes.

    Raises:
        FileNotFoundError: no such file.
    """
    status = job.path.stat()
    with job.path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    if job.known is not None and job.known.digest == digest:  # A copied corpus has new dates, not new songs.
        return replace(job.known, size=status.st_size, mtime_ns=status.st_mtime_ns), None
    entry = Entry(track_id=job.track_id, digest=digest, size=status.st_size, mtime_ns=status.st_mtime_ns)
    try:
        mel = settings.frames(job.path).astype(settings.dtype)
    except AudioError as error:
        return replace(entry, skipped=str(error)), None
    return replace(entry, n_frames=len(mel)), mel
