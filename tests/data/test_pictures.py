"""Pictures kept beside a corpus: the right ones, computed once, for songs with sound alone."""

from dataclasses import replace

import numpy as np
import pytest

from research.data import pictures
from research.data.pictures import PictureDataset, load_pictures, picture_parts
from research.features.picture import song_picture
from research.features.store import open_store
from research.splits.folds import artist_folds
from research.tracks import TrackTable, read_tracks


@pytest.fixture
def corpus(small_table, small_inputs):
    tracks = read_tracks(small_table)
    return tracks, open_store(tracks.folder / "mel", small_inputs.mel)


def test_batches_hold_each_songs_picture_once(corpus, tmp_path):
    tracks, store = corpus
    rows, targets = np.array([7, 3, 30, 4, 11]), np.array([0, 1, 2, 1, 0])
    found = load_pictures(tracks, store, tmp_path)
    songs = PictureDataset(found, rows, targets, n_labels=3, shuffle=True)
    seen = []
    for batch in songs.loader(batch_size=2):
        for picture, target, row in zip(batch.pictures, batch.target, batch.track_index, strict=True):
            expected = song_picture(store.song(tracks.frame["track_id"].iloc[int(row)]), store.settings)
            assert np.array_equal(picture.numpy(), expected)
            assert target == targets[rows == int(row)]
            seen.append(int(row))
    assert sorted(seen) == sorted(rows)


def test_the_order_follows_seed_and_epoch(corpus, tmp_path):
    found = load_pictures(*corpus, tmp_path)
    songs = PictureDataset(found, np.arange(20), np.zeros(20, dtype=np.int64), n_labels=1, shuffle=True)

    def order(epoch: int) -> list[int]:
        loader = songs.loader(batch_size=5)
        loader.batch_sampler.epoch = epoch
        return [int(row) for batch in loader for row in batch.track_index]

    assert order(0) == order(0) != order(1)


def test_pictures_are_computed_once_and_anew_for_other_songs(corpus, tmp_path, monkeypatch):
    tracks, store = corpus
    first = load_pictures(tracks, store, tmp_path)
    drawn = []
    monkeypatch.setattr(pictures, "song_picture", lambda mel, settings: drawn.append(0) or song_picture(mel, settings))
    assert np.array_equal(load_pictures(tracks, store, tmp_path).array, first.array)
    assert drawn == []
    fewer = TrackTable(tracks.corpus, tracks.frame.iloc[1:].reset_index(drop=True), tracks.folder)
    assert np.array_equal(load_pictures(fewer, store, tmp_path).array, first.array[1:])
    assert len(drawn) == len(fewer)


def test_a_song_without_sound_has_no_picture(corpus, tmp_path):
    tracks, store = corpus
    ids = tracks.frame["track_id"].where(tracks.frame.index != 5, "a song of words alone")
    found = load_pictures(replace(tracks, frame=tracks.frame.assign(track_id=ids)), store, tmp_path)
    assert np.flatnonzero(found.place < 0).tolist() == [5]
    with pytest.raises(ValueError, match="1 of 3 songs have no picture; leave out songs without readable audio"):
        PictureDataset(found, np.array([4, 5, 6]), np.zeros(3, dtype=np.int64), n_labels=1)


def test_a_corpus_without_sound_is_refused(corpus, tmp_path):
    tracks, store = corpus
    silent = replace(tracks, frame=tracks.frame.assign(track_id=[f"words {n}" for n in range(len(tracks))]))
    with pytest.raises(ValueError, match="synthetic has no readable audio"):
        load_pictures(silent, store, tmp_path)


def test_parts_ask_the_songs_of_a_split_for_their_mood(corpus, tmp_path):
    tracks, store = corpus
    split = artist_folds(tracks, n_folds=2)[0]
    parts = picture_parts(tracks, load_pictures(tracks, store, tmp_path), split, seed=0)
    for name, part in parts.items():
        assert part.rows.tolist() == getattr(split, name).tolist()
        asked = [tracks.corpus.labels[target] for target in part.targets]
        assert asked == tracks.frame["mood"].iloc[part.rows].tolist()
    assert [name for name, part in parts.items() if part.shuffle] == ["train"]
