"""What training hears in place of a whole song: a stretch of it, or an altered copy."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from research.data.augmentation import Augmentation
from research.data.dataset import SongDataset
from research.data.songs import load_songs
from research.features.building import build_store
from research.features.shards import FrontEnd
from research.tracks import read_tracks

NOTHING = Augmentation(time_mask=0, mel_mask=0, drop_audio=0.0, drop_lyrics=0.0)
ALL = np.arange(45)


@dataclass(frozen=True, kw_only=True)
class Numbered:
    """A front-end whose vectors say which piece of how many they are."""

    offset: float = 0.0

    @property
    def width(self) -> int:
        return 2

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float16)

    def frames(self, path: Path) -> np.ndarray:
        count = 1 + sum(path.name.encode()) % 6
        return np.stack([self.offset + np.arange(count), np.full(count, count)], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def numbered(small_table, small_inputs, tmp_path_factory):
    """The small corpus through two such encoders, and two altered copies of it, 100 and 200 higher."""
    tracks, folder = read_tracks(small_table), tmp_path_factory.mktemp("numbered")

    def store(offset: float):
        return build_store(tracks, folder / f"{offset:g}", Numbered(offset=offset), workers=1)

    stores = [store(0.0), store(10.0)]
    return load_songs(tracks, small_inputs, stores, None, altered=[[store(100.0)] * 2, [store(200.0)] * 2])


def vectors(songs, augmentation, epochs=1, seed=0):
    """(epochs, songs, values)"""
    dataset, found = SongDataset(songs, ALL, augmentation=augmentation, seed=seed), []
    for dataset.epoch in range(epochs):
        found.append(dataset.__getitems__(list(range(45))).audio_vectors.numpy())
    return np.stack(found)


def test_a_stretch_is_so_many_neighbours_from_where_the_draw_says(numbered):
    store = numbered.vector_stores[0]
    assert isinstance(store.settings, FrontEnd)
    ids = list(numbered.tracks.frame["track_id"])
    rows, counts = store.rows(ids), store.n_frames(ids)
    kept = np.maximum(1, np.round(0.5 * counts))
    assert set(counts) == {1, 2, 3, 4, 5, 6}
    for draw, first in ((0.0, 0 * counts), (1 - 1e-9, counts - kept)):
        found = store.stretch_means(rows, 0.5, np.full(45, draw))
        np.testing.assert_array_equal(found[:, 0], first + (kept - 1) / 2)  # the mean of neighbouring numbers
    rows[3] = -1
    np.testing.assert_array_equal(store.stretch_means(rows, 0.5, np.full(45, 0.3))[3], 0)
    np.testing.assert_allclose(store.stretch_means(rows, 1.0, np.full(45, 0.3))[:3], store.means(ids)[:3], rtol=1e-6)


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_stretch_is_no_more_than_a_song_and_no_less_than_something(numbered, share):
    with pytest.raises(ValueError, match=rf"augmentation.pieces={share:g}; give a share above 0 and at most 1"):
        SongDataset(numbered, ALL, augmentation=replace(NOTHING, pieces=share))


def test_training_hears_stretches_and_evaluation_all_of_a_song(numbered):
    heard = vectors(numbered, replace(NOTHING, pieces=0.5), epochs=40)
    whole = vectors(numbered, None)[0]
    np.testing.assert_array_equal(vectors(numbered, NOTHING)[0], whole)
    counts = whole[:, 1]
    np.testing.assert_array_equal(heard[:, :, 2] - 10, heard[:, :, 0])  # the same stretch by both encoders
    for count in (2, 6):  # halves of one and of three pieces: middles 0 and 1, or 1 to 4
        middles = np.unique(heard[:, counts == count, 0])
        np.testing.assert_array_equal(middles, {2: [0, 1], 6: [1, 2, 3, 4]}[count])
    np.testing.assert_array_equal(vectors(numbered, replace(NOTHING, pieces=0.5), epochs=40), heard)
    assert (vectors(numbered, replace(NOTHING, pieces=0.5), seed=1)[0] != heard[0]).any()


def test_altered_copies_are_heard_as_often_as_asked_and_each_alike(numbered):
    whole = vectors(numbered, None)[0]
    heard = vectors(numbered, replace(NOTHING, altered=0.6), epochs=60)
    copies = (heard[:, :, 0] - whole[:, 0]) / 100
    assert set(np.unique(copies)) == {0.0, 1.0, 2.0}
    # 2,700 draws: a standard error of .009 at .3; four of them.
    for copy in (1, 2):
        assert (copies == copy).mean() == pytest.approx(0.3, abs=0.036)
    np.testing.assert_array_equal(heard[:, :, 2] - heard[:, :, 0] >= -90 * copies, True)  # one copy a song, not a mix
    with pytest.raises(ValueError, match=r"needs altered copies; set inputs.altered_copies"):
        SongDataset(replace(numbered, altered=()), ALL, augmentation=replace(NOTHING, altered=0.5))


def test_a_song_whose_copy_cannot_be_heard_is_heard_itself(numbered):
    deaf = np.zeros(45, dtype=bool)
    copies = tuple(replace(copy, has_audio=deaf) for copy in numbered.altered)
    heard = vectors(replace(numbered, altered=copies), replace(NOTHING, altered=1.0))
    np.testing.assert_array_equal(heard, vectors(numbered, None))


def test_windows_are_cut_from_the_altered_spectrogram(small_songs):
    shifted = replace(small_songs, store_rows=np.roll(small_songs.store_rows, -1), altered=())
    songs = replace(small_songs, altered=(shifted,))  # the copy of each song is its neighbour
    half = SongDataset(songs, ALL, augmentation=replace(NOTHING, altered=0.5)).__getitems__(list(range(44))).mel
    own, other = (
        SongDataset(each, ALL, augmentation=NOTHING).__getitems__(list(range(44))).mel for each in (songs, shifted)
    )
    is_own, is_other = ((half == mel).flatten(1).all(dim=1) for mel in (own, other))
    assert (is_own ^ is_other).all()
    assert 10 < is_other.sum() < 34  # of 44 songs one half, give or take 3.6 standard errors
