"""The track table: what is written is what is read, and each fault is refused by name."""

import json
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from research.tracks import (
    LASTFM,
    METADATA_KEY,
    SCHEMA,
    Corpus,
    artist_key,
    artists_in_two_splits,
    read_tracks,
    write_tracks,
)

CORPUS = Corpus(name="tiny", labels=("happy", "sad"), tags=("calm",), citation="none", licence="CC0-1.0")


def song(track_id="a", **cells):
    return {"track_id": track_id, "artist": "Ann", "mood": "happy", "tags": [], **cells}


def write(folder, *songs, corpus=CORPUS):
    return write_tracks(folder / "tracks.parquet", pd.DataFrame(list(songs)), corpus)


def test_what_is_written_is_read(tmp_path):
    (tmp_path / "audio").mkdir()
    (tmp_path / "audio/a.wav").write_bytes(b"sound")
    (tmp_path / "a.txt").write_text("Grüße 🎵", encoding="utf-8")
    written = write(
        tmp_path,
        song("a", tags=["calm"], audio="audio/a.wav", lyrics="a.txt", language="de", split="test"),
        song("b", artist=None, mood=None),
    )
    read = read_tracks(tmp_path / "tracks.parquet")
    pd.testing.assert_frame_equal(read.frame, written.frame)
    assert (read.corpus, len(read), read.frame["tags"].tolist()) == (written.corpus, 2, [["calm"], []])
    assert read.corpus == replace(CORPUS, version=read.corpus.version)
    assert read.corpus.version == "0.1.0"
    assert (read.audio_path(0), read.audio_path(1)) == (tmp_path / "audio/a.wav", None)
    assert (read.lyrics_text(0), read.lyrics_text(1)) == ("Grüße 🎵", None)
    assert read.frame["mood"].tolist() == ["happy", None]
    assert read.artist_keys == ["ann", "unknown artist of b"]


def test_the_file_is_typed_parquet_that_others_can_read(tmp_path):
    write(tmp_path, song("a", tags=["calm"]))
    table = pq.read_table(tmp_path / "tracks.parquet")
    assert table.schema.remove_metadata().equals(SCHEMA)
    assert json.loads(table.schema.metadata[METADATA_KEY])["labels"] == ["happy", "sad"]


def test_a_table_that_does_not_name_the_source_of_its_labels_is_read(tmp_path):
    write(tmp_path, song("a"), corpus=replace(CORPUS, label_source=LASTFM))
    path = tmp_path / "tracks.parquet"
    assert read_tracks(path).corpus.label_source == LASTFM
    table = pq.read_table(path)
    corpus = json.loads(table.schema.metadata[METADATA_KEY])
    del corpus["label_source"]  # as earlier versions wrote it
    pq.write_table(table.replace_schema_metadata({METADATA_KEY: json.dumps(corpus).encode()}), path)
    assert read_tracks(path).corpus.label_source == ""


def test_writing_twice_gives_the_same_bytes(tmp_path):
    write(tmp_path, song("a"), song("b"))
    first = (tmp_path / "tracks.parquet").read_bytes()
    write(tmp_path, song("a"), song("b"))
    assert (tmp_path / "tracks.parquet").read_bytes() == first
    assert [path.name for path in tmp_path.iterdir()] == ["tracks.parquet"]


@pytest.mark.parametrize(
    ("songs", "fault"),
    [
        ([song("a"), song("a")], "duplicate track_id: 'a'"),
        ([song("a"), song(None)], "missing track_id in row: 1"),
        ([song(mood="angry")], r"mood not in \['happy', 'sad'\]: 'angry'"),
        ([song(split="dev")], "split not in .*: 'dev'"),
        ([song(tags=["loud"])], "tags outside the vocabulary: 'loud'"),
        ([song(tags="calm")], "tags must be a list"),
        ([song(audio="audio/gone.mp3")], "audio file missing: 'audio/gone.mp3'"),
        ([song(audio="../x.mp3")], "audio file outside the table's folder: '../x.mp3'"),
        ([song(audio="audio/../../x.mp3")], "audio file outside"),
        ([song(lyrics="/etc/passwd")], "lyrics file outside the table's folder: '/etc/passwd'"),
        ([song("a", split="train"), song("b", split="test", artist="ANN")], "artist in two splits .*: 'ann'"),
        ([song(loudness=-7)], r"unknown columns \['loudness'\]"),
    ],
)
def test_a_fault_is_refused_by_name_and_nothing_is_written(tmp_path, songs, fault):
    (tmp_path.parent / "x.mp3").touch()
    with pytest.raises(ValueError, match=fault):
        write(tmp_path, *songs)
    assert not list(tmp_path.iterdir())


def test_a_name_may_begin_with_dots(tmp_path):
    (tmp_path / "...Baby One More Time.mp3").touch()
    table = write(tmp_path, song(audio="...Baby One More Time.mp3"))
    assert table.audio_path(0).is_file()


def test_all_faults_stand_in_one_message_shortened(tmp_path):
    with pytest.raises(ValueError, match=r"mood not in .*; audio file missing: .*'4.mp3' and 2 more"):
        write(tmp_path, *(song(str(n), mood="odd", audio=f"{n}.mp3") for n in range(7)))


def test_crossing_artists_pass_where_the_corpus_declares_them(tmp_path):
    songs = [song("a", split="train"), song("b", split="test"), song("c", split="test", artist=None)]
    table = write(tmp_path, *songs, corpus=replace(CORPUS, artists_cross_splits=True))
    assert artists_in_two_splits(table.frame) == ["ann"]


def test_reading_checks_again(tmp_path):
    (tmp_path / "a.wav").touch()
    write(tmp_path, song(audio="a.wav"))
    (tmp_path / "a.wav").unlink()
    with pytest.raises(ValueError, match=r"audio file missing: 'a\.wav'"):
        read_tracks(tmp_path / "tracks.parquet")


def test_what_is_no_track_table_is_refused(tmp_path):
    path = tmp_path / "tracks.parquet"
    with pytest.raises(FileNotFoundError, match=r"tracks\.parquet does not exist; write it with"):
        read_tracks(path)
    path.write_bytes(b"no parquet")
    with pytest.raises(ValueError, match=r"tracks\.parquet is not a Parquet file"):
        read_tracks(path)
    pq.write_table(pa.table({"track_id": ["a"]}), path)
    with pytest.raises(ValueError, match="is not a track table"):
        read_tracks(path)


def test_lyrics_that_are_not_utf8_are_refused_by_song(tmp_path):
    (tmp_path / "a.txt").write_bytes("é".encode("latin-1"))
    table = write(tmp_path, song(lyrics="a.txt"))
    with pytest.raises(ValueError, match=r"lyrics of 'a': .*a\.txt"):
        table.lyrics_text(0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Beyoncé", "BEYONCE"),
        ("The Beatles", "Beatles"),
        ("Eminem feat. Nate Dogg", "Eminem"),
        ("Eminem (ft. Nate Dogg)", "eminem"),
        ("Earth, Wind & Fire", "Earth Wind and Fire"),
        ("AC/DC", "AC-DC"),
        ("Sigur Rós", "Sigur Ro\u0301s"),
        ("パパ", "ﾊﾟﾊﾟ"),
    ],
)
def test_spellings_of_one_artist_meet(one, other):
    assert artist_key(one) == artist_key(other)


def test_different_artists_stay_apart():
    names = ["Little Feat", "Little", "The The", "The Band", "!!!", "???", "椎名林檎", "Кино", "ハハ", "パパ", "ババ"]
    assert len({artist_key(name) for name in names}) == len(names)
    assert "" not in {artist_key(name) for name in names}
    assert artist_key(None) == artist_key("") == ""
