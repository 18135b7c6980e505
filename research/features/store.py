"""The feature store `data/<corpus>/mel/`: every song's log-mel spectrogram in one memory-mapped file.

`mel.f16` holds float16 frames of all songs, one after another, so that a window of a song is one contiguous read (of
research.features.waveforms it is `mel.i16`, samples); `index.jsonl` says where each song lies and which audio file it
came from; `settings.json` how it was made; `complete.json` is written last, and only with it can the store be opened.
Workers leave their songs in `shards/`, from where they are appended in the table's order; frames are on disk before the
index names them. Whatever stops a build, the next one goes on behind the last song of the index, with what `shards/`
still holds.
float16 keeps values between 64 and 128 dB to 0.03 dB, smaller ones better.
"""

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import MISSING, asdict, fields, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import Float, Float32, Int, Num
from tqdm import tqdm

from research.features.audio import MelSettings
from research.features.engine import Engine, map_locally
from research.features.shards import Entry, FrontEnd, Job, Shard, read_shard, write_shard
from research.tracks import TrackTable

INDEX, SETTINGS, COMPLETE, SHARDS = "index.jsonl", "settings.json", "complete.json", "shards"
SHARD = 16
"""Songs a worker computes at a time: with 30 s each half a second of work and 5 MB."""
SHARDS_A_SYNC = 16
"""Shards taken in between two waits for the disk, which on a shared one may take as long as computing a song."""
DEFAULTS = MelSettings()


class MelStore:
    """Read access to a complete store; made by `open_store` or `build_store`. Costs no memory, can be pickled."""

    def __init__(self, folder: Path, settings: FrontEnd, entries: Sequence[Entry]):
        self.folder, self.settings = folder, settings
        self.skipped = {entry.track_id: entry.skipped for entry in entries if entry.skipped is not None}
        songs = [entry for entry in entries if entry.skipped is None]
        self.digests = {song.track_id: song.digest for song in songs}
        self._rows = {song.track_id: row for row, song in enumerate(songs)}
        self._offsets = np.array([song.offset for song in songs], dtype=np.int64)
        # One more at the end: row -1, a track without audio, has no frames.
        self._lengths = np.array([*(song.n_frames for song in songs), 0], dtype=np.int64)
        self._mel = _map_array(_array_path(folder, settings), settings)

    def __contains__(self, track_id: str) -> bool:
        return track_id in self._rows

    def __reduce__(self):
        return open_store, (self.folder, self.settings)

    def rows(self, track_ids: Iterable[str]) -> Int[np.ndarray, " batch"]:
        """Positions of songs in the store, -1 where a track has no audio (or broken audio, see `skipped`)."""
        return np.array([self._rows.get(track_id, -1) for track_id in track_ids], dtype=np.int64)

    def n_frames(self, track_ids: Iterable[str]) -> Int[np.ndarray, " batch"]:
        """Lengths of songs in frames, 0 where a track has no audio."""
        return self._lengths[self.rows(track_ids)]

    def song(self, track_id: str) -> Float32[np.ndarray, "frames width"]:
        """All frames of a song: its log-mel spectrogram in dB, or its vectors.

        Raises:
            KeyError: the store has no such song.
        """
        row = self._rows[track_id]
        return self._mel[self._offsets[row] : self._offsets[row] + self._lengths[row]].astype(np.float32)

    def means(self, track_ids: Sequence[str]) -> Float32[np.ndarray, "batch width"]:
        """Mean frame of each song: of a store of vectors, what stands for the song; 0 where a track has no audio."""
        found = np.zeros((len(track_ids), self.settings.width), np.float32)
        for mean, track_id in zip(found, track_ids, strict=True):
            if track_id in self:
                mean[:] = self.song(track_id).mean(axis=0)
        return found

    def stretch_means(
        self, rows: Int[np.ndarray, " batch"], share: float, draws: Float[np.ndarray, " batch"]
    ) -> Float32[np.ndarray, "batch width"]:
        """Mean frame of a stretch of each song; 0 for row -1, a track without audio.

        Args:
            rows: songs, by `rows`.
            share: length of a stretch, of its song's, above 0 and at most 1; at least one frame is heard.
            draws: a random number a song, even in [0, 1): where its stretch begins. The same number means about the
                same stretch in every store, however long its frames.
        """
        found, heard = np.zeros((len(rows), self.settings.width), np.float32), rows >= 0
        if not heard.any():
            return found
        lengths = self._lengths[rows[heard]]
        kept = np.maximum(1, (share * lengths).round()).astype(np.int64)
        firsts = self._offsets[rows[heard]] + (draws[heard] * (lengths - kept + 1)).astype(np.int64)
        places = np.cumsum(kept) - kept  # of each stretch among all that are read
        frames = self._mel[np.arange(kept.sum()) + (firsts - places).repeat(kept)].astype(np.float32)
        found[heard] = np.add.reduceat(frames, places, axis=0) / kept[:, None]
        return found

    def windows(
        self, rows: Int[np.ndarray, " batch"], starts: Int[np.ndarray, " batch"], frames: int
    ) -> Num[np.ndarray, "batch frames width"]:
        """Windows of many songs in one batched read.

        As stored: torch widens float16 three times faster than NumPy, and an accelerator faster still.
        A song shorter than the window repeats until it is full: padding with silence would look like music that stops.

        Args:
            rows: songs, by `rows`.
            starts: first frame of each window within its song; 0 for a song shorter than the window.
            frames: length of every window.

        Raises:
            ValueError: a row without audio, or a window that leaves its song.
        """
        lengths = self._lengths[rows]
        if not lengths.all():
            raise ValueError(f"{int((lengths == 0).sum())} of {len(rows)} rows have no audio; leave out rows of -1")
        if ((starts < 0) | (starts > np.maximum(lengths - frames, 0))).any():
            raise ValueError(f"a window of {frames} frames leaves its song; take starts from `window_starts`")
        windows = np.empty((len(rows), frames, self.settings.width), self._mel.dtype)
        places = zip((self._offsets[rows] + starts).tolist(), lengths.tolist(), strict=True)
        for window, (first, length) in zip(windows, places, strict=True):
            if length >= frames:
                window[:] = self._mel[first : first + frames]
            else:
                window[:] = np.resize(self._mel[first : first + length], window.shape)
        return windows


def open_store(folder: Path, settings: FrontEnd) -> MelStore:
    """Open a complete store.

    Raises:
        ValueError: no store, an interrupted or damaged one, or one made with other settings.
    """
    if not (folder / COMPLETE).is_file():
        raise ValueError(f"{folder} holds no complete feature store; run `build_store` (again), it resumes")
    _check_settings(folder, settings)
    entries, promise = _read_index(folder), json.loads((folder / COMPLETE).read_text())
    found = {"tracks": len(entries), "bytes": _array_path(folder, settings).stat().st_size}
    if found != promise:
        raise ValueError(f"{folder} is damaged: {found} instead of {promise}; delete it and build it again")
    return MelStore(folder, settings, list(entries.values()))


def build_store(
    tracks: TrackTable,
    folder: Path,
    settings: FrontEnd = DEFAULTS,
    workers: int | None = None,
    engine: Engine | None = None,
) -> MelStore:
    """Compute what the store lacks of a table's songs, and open it.

    Resumes an interrupted build, adds songs that are new in the table and recomputes those whose file has changed (the
    old frames stay as dead space). Songs that cannot be decoded are recorded in `MelStore.skipped`. One program at a
    time may build a store.

    Args:
        folder: the store, by custom `mel` beside the track table.
        workers: processes of this machine, each one core; None takes every core, 1 computes in this process.
        engine: who computes instead of them, such as a cluster. The bytes of the store do not depend on it.

    Raises:
        ValueError: the store was made with other settings, is damaged, or another program is building it.
        OSError: the disk is full or the like; the next build resumes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / SETTINGS).exists():
        _replace(folder / SETTINGS, json.dumps(asdict(settings)))
    _check_settings(folder, settings)
    entries = _read_index(folder)
    jobs = _jobs(tracks, entries)
    if jobs or not (folder / COMPLETE).exists():
        # An older table's store is not this table's: until the new songs are in, it must not look complete.
        (folder / COMPLETE).unlink(missing_ok=True)
        n_bytes = _drop_unindexed(folder, entries, settings)
        shards = _shards(jobs, folder, settings)
        paths = (engine or partial(map_locally, workers=workers))(write_shard, shards)
        with tqdm(desc="songs", total=len(jobs), unit="song", disable=None) as bar:
            n_bytes = _append(folder, _counted(paths, shards, bar), n_bytes, settings)
        # Shards of an earlier build that is not to be resumed, since a song of theirs has changed.
        shutil.rmtree(folder / SHARDS)
        _replace(folder / COMPLETE, json.dumps({"tracks": len(_read_index(folder)), "bytes": n_bytes}))
    return open_store(folder, settings)


def _check_settings(folder: Path, settings: FrontEnd) -> None:
    made, asked = json.loads((folder / SETTINGS).read_text()), asdict(settings)
    # Of settings that a store does not name it has the default.
    defaults = {field.name: field.default for field in fields(settings) if field.default is not MISSING}
    if defaults | made != asked:
        raise ValueError(f"{folder} was made with {made}, asked for is {asked}; delete it or pass another folder")


def _read_index(folder: Path) -> dict[str, Entry]:
    """Newest entry of each track; a last line that a crash cut short does not count."""
    path = folder / INDEX
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    try:
        entries = [Entry(**json.loads(line)) for line in lines]
    except (json.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); delete {folder} and build it again") from error
    return {entry.track_id: entry for entry in entries}


def _drop_unindexed(folder: Path, entries: dict[str, Entry], settings: FrontEnd) -> int:
    """Cut array and index back to their last common song; returns the bytes left in the array."""
    index, array = folder / INDEX, _array_path(folder, settings)
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
    with _array_path(folder, settings).open("ab") as array, (folder / INDEX).open("ab") as index:
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
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        file.write(text.encode())
        _sync(file)
    os.replace(partial, path)


def _array_path(folder: Path, settings: FrontEnd) -> Path:
    return folder / f"mel.{settings.dtype.kind}{8 * settings.dtype.itemsize}"


def _map_array(path: Path, settings: FrontEnd) -> Num[np.ndarray, "total_frames width"]:
    if path.stat().st_size == 0:  # A corpus of words alone; an empty file cannot be mapped.
        return np.empty((0, settings.width), settings.dtype)
    # A plain view: slicing numpy.memmap itself costs more than the read.
    return np.memmap(path, settings.dtype, mode="r").reshape(-1, settings.width).view(np.ndarray)
