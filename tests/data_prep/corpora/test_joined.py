"""Corpora joined: whose moods, which songs become one, and what is refused."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from data_prep.corpora import folder
from data_prep.corpora.joined import prepare
from research.tracks import read_tracks, write_tracks

WORDS = "morning light upon the window and I will not wait for you to come back home again this year"


@pytest.fixture
def corpora(tmp_path, tone) -> list[Path]:
    """Sounds of two moods, then words of three."""
    for number, name in enumerate(("sun", "rain", "tide")):
        tone(tmp_path / f"{name}.wav", 200 + 50 * number)
    sounds = [
        "file,artist,title,mood,tags",
        "sun.wav,Ann,Sun,happy,warm",
        "rain.wav,Bob,Rain,sad,",
        "tide.wav,Cy,Tide,sad,",
    ]
    words = [
        "id,artist,title,mood,lyrics",
        f"1,The Ann,Sun,cheerful,sun {WORDS}",
        f"2,Dee,Fog,sad,fog {WORDS}",
        f"3,Eve,Fun,humorous,fun {WORDS}",
        f"4,Cy,Tide,cheerful,tide {WORDS}",
    ]
    for name, lines in (("sounds", sounds), ("words", words)):
        (tmp_path / f"{name}.csv").write_text("\n".join(lines))
        folder.prepare(tmp_path / f"{name}.csv", tmp_path / "data" / name)
    return [tmp_path / "data" / "sounds", tmp_path / "data" / "words"]


def test_a_song_takes_its_sound_from_one_corpus_and_its_words_from_another(corpora, tmp_path):
    table = prepare(corpora, tmp_path / "data/both", rename=["cheerful=happy"])
    sun, rain, fog = table.frame.itertuples()
    assert (sun.track_id, sun.mood, sun.tags, sun.source, sun.language) == (
        "sounds-sun",
        "happy",
        ["warm"],
        "sounds",
        "en",
    )
    assert table.audio_path(0).read_bytes() == (tmp_path / "sun.wav").read_bytes()
    assert table.lyrics_text(0) == f"sun {WORDS}"
    assert (rain.track_id, rain.lyrics, rain.source) == ("sounds-rain", None, "sounds")
    assert (fog.track_id, fog.mood, fog.audio, fog.source) == ("words-2", "sad", None, "words")
    assert table.corpus.name == "both"
    assert table.corpus.labels == ("happy", "sad")
    assert table.corpus.command.endswith("--rename cheerful=happy")
    with (tmp_path / "data/both/rejected.csv").open() as file:
        reasons = {row["song"]: row["reason"] for row in csv.DictReader(file)}
    assert reasons == {
        "words-1": "copy of a song already taken",
        "words-3": "mood that the first corpus does not have",
        "words-4": "same song under two moods",
        "sounds-tide": "same song under two moods",
    }
    assert "| sounds | 2 | 66.7% |\n| words | 1 | 33.3% |" in (tmp_path / "data/both/card.md").read_text()


def test_without_another_name_a_mood_of_the_second_corpus_is_left_out(corpora, tmp_path):
    table = prepare(corpora, tmp_path / "data/both")
    assert table.frame["track_id"].to_list() == ["sounds-sun", "sounds-rain", "sounds-tide", "words-2"]
    assert table.frame["lyrics"].notna().to_list() == [False, False, False, True]


def test_one_corpus_is_renamed_and_moods_of_one_name_become_one(corpora, tmp_path):
    table = prepare(corpora[1:], tmp_path / "data/renamed", rename=["cheerful=happy", "humorous=happy"])
    assert table.corpus.labels == ("happy", "sad")
    assert table.frame["mood"].to_list() == ["happy", "sad", "happy", "happy"]


@pytest.mark.parametrize("pair", ["gloomy=sad", "cheerful=", "cheerful"])
def test_a_name_that_no_corpus_knows_is_refused(corpora, tmp_path, pair):
    with pytest.raises(
        ValueError, match=f"--rename {pair}: expected OLD=NEW, with OLD one of cheerful, happy, humorous, sad"
    ):
        prepare(corpora, tmp_path / "data/both", rename=[pair])


def test_a_joined_corpus_keeps_where_its_songs_are_from_when_it_is_joined_again(corpora, tmp_path):
    prepare(corpora, tmp_path / "data/both")
    table = prepare([tmp_path / "data/both"], tmp_path / "data/again", rename=["happy=glad"])
    assert table.frame["source"].to_list() == ["sounds"] * 3 + ["words"]


def test_what_cannot_be_joined_is_refused(corpora, tmp_path):
    with pytest.raises(ValueError, match="no corpus to join"):
        prepare([], tmp_path / "data/both")
    with pytest.raises(ValueError, match="several corpora are called words; prepare them again"):
        prepare([corpora[1], corpora[1]], tmp_path / "data/both")
    with pytest.raises(ValueError, match="is one of the corpora to join"):
        prepare(corpora, corpora[1])
    table = read_tracks(corpora[1] / "tracks.parquet")
    write_tracks(corpora[1] / "tracks.parquet", table.frame, replace(table.corpus, synthetic=True))
    with pytest.raises(ValueError, match="invented songs are not joined with real ones"):
        prepare(corpora, tmp_path / "data/both")
