"""A corpus as the slides' pictures: computed once, kept in one memory-mapped file, read in whole batches.

The file `pictures/<key>.npy` beside the corpus is found by content: its key hashes the recordings and their order, so a
changed song gives another file and nothing stale is read.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from research.atomic import replacing
from research.batch import PictureBatch
from research.data.buckets import batch_loader
from research.features.picture import HEIGHT, WIDTH, song_picture
from research.features.store import MelStore
from research.splits.folds import Split
from research.tracks import TrackTable


@dataclass(frozen=True)
class Pictures:
    """Pictures of a corpus; `place` is aligned with the rows of its table."""

    array: UInt8[np.ndarray, "pictures height width rgb"]
    place: Int[np.ndarray, " songs"]
    """Position in `array`; -1 where a song has no readable audio."""


def load_pictures(tracks: TrackTable, store: MelStore, folder: Path) -> Pictures:
    """Pictures of all songs with sound; computed and kept on the first call.

    Args:
        store: the table's feature store.
        folder: where pictures are kept, by custom `pictures` beside the track table.

    Raises:
        ValueError: no song has readable sound.
    """
    ids = [track_id for track_id in tracks.frame["track_id"] if track_id in store]
    if not ids:
        raise ValueError(f"{tracks.corpus.name} has no readable audio, so there is nothing to picture")
    path = folder / f"{_key(ids, store)}.npy"
    if not path.is_file():
        _write(path, ids, store)
    at = {track_id: position for position, track_id in enumerate(ids)}
    place = np.array([at.get(track_id, -1) for track_id in tracks.frame["track_id"]], dtype=np.int64)
    # A plain view: slicing numpy.memmap itself costs more than the read.
    return Pictures(np.load(path, mmap_mode="r").view(np.ndarray), place)


class PictureDataset(Dataset):
    """Some songs of a corpus as pictures; the order alone is random, and follows seed and epoch."""

    def __init__(
        self,
        pictures: Pictures,
        rows: Int[np.ndarray, " rows"],
        targets: Int[np.ndarray, " rows"],
        n_labels: int,
        *,
        shuffle: bool = False,
        seed: int = 0,
    ):
        """
        Raises:
            ValueError: a song without picture.
        """
        if (missing := int((pictures.place[rows] < 0).sum())) > 0:
            raise ValueError(f"{missing} of {len(rows)} songs have no picture; leave out songs without readable audio")
        self.pictures = pictures
        self.rows = rows
        self.targets = targets
        self.n_labels = n_labels
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_tags(self) -> int:
        return 0

    def __getitems__(self, positions: Sequence[int]) -> PictureBatch:
        rows = self.rows[positions]
        return PictureBatch(
            pictures=torch.from_numpy(self.pictures.array[self.pictures.place[rows]]),
            target=torch.from_numpy(self.targets[positions]),
            track_index=torch.from_numpy(rows),
        )

    def loader(self, batch_size: int) -> DataLoader:
        lengths = np.zeros(len(self), dtype=np.int64)
        return batch_loader(self, lengths, batch_size, shuffle=self.shuffle, seed=self.seed)


def picture_parts(tracks: TrackTable, pictures: Pictures, split: Split, seed: int) -> dict[str, PictureDataset]:
    """The songs of a split by part, "train", "valid" and "test", asked for their mood; the training songs shuffled.

    Raises:
        ValueError: a song without picture.
    """
    labels = tracks.corpus.labels
    place = {label: index for index, label in enumerate(labels)}
    targets = np.array([place.get(mood, -1) for mood in tracks.frame["mood"]], dtype=np.int64)
    return {
        name: PictureDataset(pictures, rows, targets[rows], len(labels), shuffle=name == "train", seed=seed)
        for name, rows in {"train": split.train, "valid": split.valid, "test": split.test}.items()
    }


def _key(ids: Sequence[str], store: MelStore) -> str:
    digest = hashlib.blake2b(f"{WIDTH}x{HEIGHT} {store.settings}".encode(), digest_size=8)
    for track_id in ids:
        digest.update(f"{track_id} {store.digests[track_id]}\n".encode())
    return digest.hexdigest()


def _write(path: Path, ids: Sequence[str], store: MelStore) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Shared: another experiment on the corpus may have found the pictures missing, and be drawing them for minutes.
    with replacing(path, shared=True) as partial:
        array = np.lib.format.open_memmap(partial, mode="w+", dtype=np.uint8, shape=(len(ids), HEIGHT, WIDTH, 3))
        for position, track_id in enumerate(tqdm(ids, desc="pictures", unit="song", disable=None)):
            array[position] = song_picture(store.song(track_id), store.settings)
        array.flush()
