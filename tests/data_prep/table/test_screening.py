"""Copies, contradictions and leaks on songs small enough to count by hand."""

import random

import pytest

from data_prep.table.screening import CONTRADICTION, COPY, LEAK, NOTHING, same_songs, screen
from data_prep.table.songs import UNFIT_ID, Song, file_name, is_file_name, split_tags

WORDS = "one two three four five six seven eight nine ten " * 2


def song(track_id, artist="Ann", title="Sun", mood="happy", **cells):
    return Song(track_id=track_id, artist=artist, title=title, mood=mood, **({"lyrics": "la la"} | cells))


def reasons(songs):
    kept, rejected = screen(songs)
    return [song.track_id for song in kept], {row.song: row.reason for row in rejected}


def test_of_two_copies_the_first_stays():
    assert reasons([song("a"), song("b", artist="THE ANN"), song("c", title="Rain")]) == (["a", "c"], {"b": COPY})


def test_all_copies_of_a_contradiction_go():
    songs = [song("a"), song("b", mood="sad"), song("c"), song("d", title="Rain")]
    assert reasons(songs) == (["d"], dict.fromkeys("abc", CONTRADICTION))


def test_a_copy_without_a_mood_contradicts_nothing():
    assert reasons([song("a", mood=None), song("b"), song("c", mood=None)]) == (["b"], {"a": COPY, "c": COPY})
    split = [song("a", mood=None, split="test"), song("b", split="train")]
    assert reasons(split) == (["a"], {"b": LEAK})


def test_the_test_set_keeps_its_copy():
    songs = [song("a", split="train"), song("b", split="valid"), song("c", split="test"), song("d", split="test")]
    assert reasons(songs) == (["c"], {"a": LEAK, "b": LEAK, "d": COPY})


def test_equal_words_tell_a_song_whose_title_and_artist_are_swapped():
    songs = [song("a", lyrics=WORDS), song("b", artist="Sun", title="Ann", lyrics=WORDS.upper().replace(" ", ",\n"))]
    assert reasons(songs) == (["a"], {"b": COPY})


def test_twenty_words_tell_a_song_and_nineteen_do_not():
    nineteen = " ".join(WORDS.split()[:19])
    for lyrics, n_kept in ((WORDS, 1), (nineteen, 2)):
        assert len(screen([song("a", lyrics=lyrics), song("b", title="Rain", lyrics=lyrics)])[0]) == n_kept


def test_equal_audio_bytes_tell_a_song_without_a_name(tmp_path, tone):
    low, high = tone(tmp_path / "low.wav", 220), tone(tmp_path / "high.wav", 880)
    again = tone(tmp_path / "again.wav", 220)
    assert low.stat().st_size == high.stat().st_size  # so that sizes alone would call them equal
    songs = [song(path.stem, artist=None, audio=path, lyrics=None) for path in (low, high, again)]
    assert reasons(songs) == (["low", "high"], {"again": COPY})


def test_a_third_entry_can_join_two_that_share_nothing():
    songs = [song("a"), song("b", title="Rain", lyrics=WORDS), song("c", lyrics=WORDS), song("d", title="Rain")]
    assert [[entry.track_id for entry in group] for group in same_songs(songs)] == [["a", "b", "c", "d"]]


def test_groups_do_not_depend_on_the_order():
    draw = random.Random(0)
    songs = [song(str(n), title=str(draw.randrange(20)), artist=str(draw.randrange(3))) for n in range(60)]
    by_hand = {}
    for entry in songs:
        by_hand.setdefault((entry.artist, entry.title), set()).add(entry.track_id)
    expected = {frozenset(group) for group in by_hand.values() if len(group) > 1}
    for _ in range(5):
        draw.shuffle(songs)
        assert {frozenset(entry.track_id for entry in group) for group in same_songs(songs)} == expected


def test_a_song_without_sound_and_words_goes(tmp_path, tone):
    songs = [
        song("empty", lyrics=" \n "),
        song("header", title="b", lyrics="[Chorus]\n"),
        song("heard", title="c", lyrics="", audio=tone(tmp_path / "a.wav")),
    ]
    assert reasons(songs) == (["heard"], {"empty": NOTHING, "header": NOTHING})


@pytest.mark.parametrize("unfit", ["../../escaped", "a/b", "", "C:x"])
def test_an_id_that_is_no_file_name_goes(unfit):
    assert reasons([song(unfit), song("b", title="Rain")]) == (["b"], {unfit: UNFIT_ID})


@pytest.mark.parametrize(
    ("text", "name"),
    [("a", "a"), ("AC:DC - What?", "AC_DC - What_"), ("../x", "_x"), ("a\x00b", "a_b"), (" . ", "_"), ("é椎", "é椎")],
)
def test_names_fit_every_system(text, name):
    assert file_name(text) == name
    assert is_file_name(name)
    assert is_file_name(text) == (text == name)


@pytest.mark.parametrize("letter", ["a", "é", "椎", "𝄞"])
def test_a_long_name_is_cut_to_bytes_and_stays_apart_from_others(tmp_path, letter):
    one, other = file_name(letter * 300 + "1"), file_name(letter * 300 + "2")
    assert one != other
    assert is_file_name(one)
    assert 190 < len(one.encode()) <= 200
    (tmp_path / f"{one}.part.flac.part").touch()
    assert file_name("b" * 200) == "b" * 200
    assert not is_file_name("b" * 201)


def test_tags_are_split_and_trimmed():
    assert split_tags(" Sweet|calm ;SWEET;;Laid  Back|") == ("sweet", "calm", "laid back")
