"""MoodyLyrics4Q, small: labels alone, and with a user's own lyrics."""

import pytest

from data_prep.corpora.moodylyrics4q import prepare
from research.tracks import LASTFM

WORDS = "the rain comes down and the river runs away from here to there and over the hill again my friend"
ROWS = "index,artist,title,mood\nML1,Ann,Sun,happy\nML2,The B\u00f6b,Rain,sad\nML3,Cid,Storm,angry\n"


@pytest.fixture
def source(tmp_path):
    (tmp_path / "MoodyLyrics4Q.csv").write_bytes(ROWS.encode("cp1252"))
    return tmp_path


def test_labels_alone(source, tmp_path):
    table = prepare(source, tmp_path / "out")
    assert table.frame[["track_id", "artist", "mood", "lyrics"]].values.tolist() == [
        ["ML1", "Ann", "happy", None],
        ["ML2", "The B\u00f6b", "sad", None],
        ["ML3", "Cid", "angry", None],
    ]
    assert table.frame["split"].isna().all()
    assert table.corpus.label_source == LASTFM


def test_own_lyrics_by_index_or_by_names(source, tmp_path, tone):
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "ML1.txt").write_text(f"one {WORDS}")
    (texts / "bob - RAIN.txt").write_text(f"two {WORDS}")
    tone(tmp_path / "sound/ML1.wav")
    table = prepare(source / "MoodyLyrics4Q.csv", tmp_path / "out", lyrics=texts, audio=tmp_path / "sound")
    assert [table.lyrics_text(row).split()[0] for row in range(len(table))] == ["one", "two"]
    assert table.frame["audio"].tolist() == ["audio/ML1.wav", None]
    assert "- 1 dropped: neither audio nor lyrics" in (tmp_path / "out/card.md").read_text()


def test_what_is_not_of_the_set_is_refused(source, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone does not exist .*holds the lyrics"):
        prepare(source, tmp_path / "out", lyrics=tmp_path / "gone")
    path = source / "MoodyLyrics4Q.csv"
    path.write_text("index,artist,title,mood\nML1,Ann,Sun,bored\n")
    with pytest.raises(ValueError, match=r"MoodyLyrics4Q\.csv:2: mood 'bored' is none of"):
        prepare(source, tmp_path / "out")
