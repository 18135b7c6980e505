"""The feature store `data/<corpus>/mel/`: every song's log-mel spectrogram in one memory-mapped file, as it is read.

`mel.f16` holds float16 frames of all songs, one after another, so that a window of a song is one contiguous read (of
research.features.waveforms it is `mel.i16`, samples); `index.jsonl` says where each song lies and which audio file it
came from; `settings.json` how it was made; `complete.json` is there once all is, and only with it can the store be
opened (research.features.building).
float16 keeps values between 64 and 128 dB to 0.03 dB, smaller ones better.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, asdict, fields
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32, Int, Num

from research.features.shards import Entry, FrontEnd

INDEX, SETTINGS, COMPLETE = "index.jsonl", "settings.json", "complete.json"


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
        self._mel = _map_array(array_path(folder, settings), settings)

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
    check_settings(folder, settings)
    entries, promise = read_index(folder), json.loads((folder / COMPLETE).read_text())
    found = {"tracks": len(entries), "bytes": array_path(folder, settings).stat().st_size}
    if found != promise:
        raise ValueError(f"{folder} is damaged: {found} instead of {promise}; delete it and build it again")
    return MelStore(folder, settings, list(entries.values()))


def check_settings(folder: Path, settings: FrontEnd) -> None:
    """Refuse, by ValueError, a store that was made with other settings."""
    made, asked = json.loads((folder / SETTINGS).read_text()), asdict(settings)
    # Of settings that a store does not name it has the default.
    defaults = {field.name: field.default for field in fields(settings) if field.default is not MISSING}
    if defaults | made != asked:
        raise ValueError(f"{folder} was made with {made}, asked for is {asked}; delete it or pass another folder")


def read_index(folder: Path) -> dict[str, Entry]:
    """Newest entry of each track; a last line that a crash cut short does not count."""
    path = folder / INDEX
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    try:
        entries = [Entry(**json.loads(line)) for line in lines]
    except (json.JSONDecodeError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); delete {folder} and build it again") from error
    return {entry.track_id: entry for entry in entries}


def array_path(folder: Path, settings: FrontEnd) -> Path:
    """Named by what it holds: `mel.f16`, `mel.i16`."""
    return folder / f"mel.{settings.dtype.kind}{8 * settings.dtype.itemsize}"


def _map_array(path: Path, settings: FrontEnd) -> Num[np.ndarray, "total_frames width"]:
    if path.stat().st_size == 0:  # A corpus of words alone; an empty file cannot be mapped.
        return np.empty((0, settings.width), settings.dtype)
    # A plain view: slicing numpy.memmap itself costs more than the read.
    return np.memmap(path, settings.dtype, mode="r").reshape(-1, settings.width).view(np.ndarray)
