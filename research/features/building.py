"""Building a feature store: workers compute songs, which are appended in the table's order, each atomically.

Workers leave their songs in `shards/`; frames are on disk before the index names them, and `complete.json` is written
last. An interrupted build resumes after the last song of the index and uses the remaining shards.
"""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout
from tqdm import tqdm

from research.atomic import replacing
from research.features.audio import MelSettings
from research.features.engine import Engine, map_locally
from research.features.shards import Entry, FrontEnd, Job, Shard, read_shard, write_shard
from research.features.store import (
    COMPLETE,
    INDEX,
    SETTINGS,
    MelStore,
    array_path,
    check_settings,
    open_store,
    read_index,
)
from research.tracks import TrackTable

SHARDS, LOCK = "shards", ".lock"
SHARD = 16
"""Songs a worker computes at a time: with 30 s each half a second of work and 5 MB."""
SHARDS_A_SYNC = 16
"""Shards taken in between two waits for the disk, which on a shared one may take as long as computing a song."""
DEFAULTS = MelSettings()


def build_store(
    tracks: TrackTable,
    folder: Path,
    settings: FrontEnd = DEFAULTS,
    workers: int | None = None,
    engine: Engine | None = None,
) -> MelStore:
    """Compute what the store lacks of a table's songs, and open it.

    Resumes an interrupted build, adds songs that are new in the table and recomputes those whose file has changed (the
    old frames stay as dead space). Songs that cannot be decoded are recorded in `MelStore.skipped`. While another
    program builds this store, waits for it.

    Args:
        folder: the store, by custom `mel` beside the track table.
        workers: processes of this machine, each one core; None takes every core, 1 computes in this process.
        engine: who computes instead of them, such as a cluster. The bytes of the store do not depend on it.

    Raises:
        ValueError: the store was made with other settings, is damaged, or another program writes to it all the same.
        OSError: the disk is full or the like; the next build resumes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    built = (folder / COMPLETE).exists() and (folder / SETTINGS).exists()
    if built:
        check_settings(folder, settings)
    if not built or _jobs(tracks, read_index(folder)):
        with _alone(folder):
            _build(tracks, folder, settings, engine or partial(map_locally, workers=workers))
    return open_store(folder, settings)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        print(f"{folder}: another program is building it, waiting", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _build(tracks: TrackTable, folder: Path, settings: FrontEnd, engine: Engine) -> None:
    if not (folder / SETTINGS).exists():
        _replace(folder / SETTINGS, json.dumps(asdict(settings)))
    check_settings(folder, settings)
    entries = read_index(folder)
    jobs = _jobs(tracks, entries)
    if not jobs and (folder / COMPLETE).exists():
        return  # another program has built it meanwhile
    # An older table's store is not this table's: until the new songs are in, it must not look complete.
    (folder / COMPLETE).unlink(missing_ok=True)
    n_bytes = _drop_unindexed(folder, entries, settings)
    shards = _shards(jobs, folder, settings)
    # A log file wants a line now and then.
    every_s = 0.2 if sys.stderr.isatty() else 20
    with tqdm(desc=folder.name, total=len(jobs), unit="song", mininterval=every_s) as bar:
        n_bytes = _append(folder, _counted(engine(write_shard, shards), shards, bar), n_bytes, settings)
    # Shards of an earlier build that is not to be resumed, since a song of theirs has changed.
    shutil.rmtree(folder / SHARDS)
    _replace(folder / COMPLETE, json.dumps({"tracks": len(read_index(folder)), "bytes": n_bytes}))


def _drop_unindexed(folder: Path, entries: dict[str, Entry], settings: FrontEnd) -> int:
    """Cut array and index back to their last common song; returns the bytes left in the array."""
    index, array = folder / INDEX, array_path(folder, settings)
    index.touch()
    array.touch()
    os.truncate(index, index.read_bytes().rfind(b"\n") + 1)
    n_frames = max((entry.offset + entry.n_frames for entry in entries.values()), default=0)
    n_bytes = n_frames * settings.width * settings.dtype.itemsize
    if array.stat().st_size < n_bytes:
        raise ValueError(f"{array} is shorter than its index says; delete {folder} and build it again")
    os.truncate(array, n_bytes)
    return n_bytes


def _jobs(tracks: TrackTable, entries: dict[str, Entry]) -> list[Job]:
    jobs = []
    for row, track_id in enumerate(tracks.frame["track_id"]):
        path, known = tracks.audio_path(row), entries.get(track_id)
        if path is None:
            continue
        status = path.stat()
        if known is None or (known.size, known.mtime_ns) != (status.st_size, status.st_mtime_ns):
            # Absolute: a worker may run in another folder.
            job = Job(
                track_id=track_id,
                path=path.absolute(),
                size=status.st_size,
                mtime_ns=status.st_mtime_ns,
                known=known,
            )
            jobs.append(job)
    return jobs


def _shards(jobs: list[Job], folder: Path, settings: FrontEnd) -> list[Shard]:
    shards = folder.absolute() / SHARDS
    shards.mkdir(exist_ok=True)
    firsts = range(0, len(jobs), SHARD)
    return [Shard(folder=shards, settings=settings, jobs=tuple(jobs[first : first + SHARD])) for first in firsts]


def _counted(paths: Iterator[Path], shards: list[Shard], bar: tqdm) -> Iterator[Path]:
    for path, shard in zip(paths, shards, strict=True):
        bar.update(len(shard.jobs))
        yield path


def _append(folder: Path, paths: Iterator[Path], n_bytes: int, settings: FrontEnd) -> int:
    """Move shards behind the first `n_bytes` of the array; returns its bytes then."""
    frame_bytes = settings.width * settings.dtype.itemsize
    with array_path(folder, settings).open("ab") as array, (folder / INDEX).open("ab") as index:
        while True:
            taken, lines = [], []
            for path in islice(paths, SHARDS_A_SYNC):  # each as soon as it is there, while workers compute the next
                array.flush()
                if os.fstat(array.fileno()).st_size != n_bytes:
                    raise ValueError(f"another program is writing to {folder}; build a store from one process only")
                for entry, mel in read_shard(path):
                    if mel is not None:
                        entry = replace(entry, offset=n_bytes // frame_bytes)
                        n_bytes += array.write(mel)
                    lines.append(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
                taken.append(path)
            if not taken:
                return n_bytes
            _sync(array)
            index.write("".join(lines).encode())
            _sync(index)
            for path in taken:
                path.unlink()


def _sync(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _replace(path: Path, text: str) -> None:
    with replacing(path) as partial, partial.open("wb") as file:
        file.write(text.encode())
        _sync(file)
