"""Both label rules, on tags as people give them."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.lastfm.files import parse_track
from data_prep.lastfm.labels import (
    CONTESTED,
    DISAGREE,
    LIGHT,
    LISTED,
    NAMED,
    NO_MOOD_TAG,
    NO_MOOD_WORD,
    NO_TAGS,
    SEVERAL_WORDS,
    TaggedTrack,
    clean_rule,
    read_lexicon,
    slides_rule,
)

LEXICON = read_lexicon()
# The forty words as printed on the 2020 slides.
SLIDES = {
    "happy": "happy happiness joyous bright cheerful humorous fun merry exciting silly",
    "angry": "angry aggressive outrageous fierce anxious rebellious tense fiery hostile anger",
    "sad": "sad bittersweet bitter tragic depressing sadness gloomy miserable funeral sorrow",
    "relaxed": "relaxed tender soothing peaceful gentle soft quiet calm mellow delicate",
}


def track(*tags, artist="Ann", title="Song"):
    return TaggedTrack("TR1", artist, title, tags=tuple(tags))


def test_the_lexicon_holds_the_forty_words_of_the_slides():
    assert LEXICON.slides == {word: mood for mood, words in SLIDES.items() for word in words.split()}
    assert len(LEXICON.moods) == 190  # rows of the published collection
    assert {"cheerful", "bittersweet", "blue"} <= LEXICON.contested


@pytest.mark.parametrize(
    ("tags", "mood", "reason"),
    [
        ([("fun", 1)], "happy", ""),  # the weight is ignored
        ([("sad", 100), ("sadness", 90)], None, SEVERAL_WORDS),  # even of one mood
        ([("Sad", 100)], None, NO_MOOD_WORD),  # case counts
        ([("so sad", 100)], None, NO_MOOD_WORD),  # whole tags only
        ([("sad", 100), ("sad", 3)], "sad", ""),  # one word, twice
        ([], None, NO_TAGS),
    ],
)
def test_the_slides_rule(tags, mood, reason):
    verdict = slides_rule(track(*tags), LEXICON)
    assert (verdict.mood, verdict.reason) == (mood, reason)


@pytest.mark.parametrize(
    ("tags", "mood", "reason"),
    [
        ([(" Sad ", 100), ("sadness", 90)], "sad", ""),
        ([("fun", 1)], None, LIGHT),
        ([("garage", 100), ("danger", 100)], None, NO_MOOD_TAG),  # rage and anger inside other words
        ([("bittersweet", 100)], None, CONTESTED),
        ([("sad", 100), ("happy", 50)], None, DISAGREE),  # one against one
        ([("sad", 100), ("gloomy", 20), ("happy", 50)], "sad", ""),  # two against one
        ([("sad", 100), ("gloomy", 20), ("happy", 50), ("joyous", 10)], None, DISAGREE),  # two against two
        ([("rock", 100)], None, NO_MOOD_TAG),
        ([], None, NO_TAGS),
    ],
)
def test_the_clean_rule(tags, mood, reason):
    verdict = clean_rule(track(*tags), LEXICON)
    assert (verdict.mood, verdict.reason) == (mood, reason)


def test_a_word_of_the_title_or_the_artist_is_no_mood():
    assert clean_rule(track(("quiet", 100), artist="Quiet Riot"), LEXICON).reason == NAMED
    assert clean_rule(track(("happy", 100), title="Don't Worry, Be Happy!"), LEXICON).reason == NAMED
    assert clean_rule(track(("calm", 100), artist="Calmness"), LEXICON).mood == "relaxed"


def test_the_tags_that_spoke_are_kept_beside_the_mood():
    tags = clean_rule(track(("Sad", 90), ("gloomy", 20), ("happy", 50), ("angry", 2), ("blue", 90)), LEXICON).tags
    assert tags == ("sad", "gloomy", "happy")


def test_a_listed_track_is_left_out():
    lexicon = replace(LEXICON, mismatched=frozenset({"TR1"}))
    assert clean_rule(track(("sad", 100)), lexicon).reason == LISTED


@given(st.lists(st.tuples(st.sampled_from(sorted(LEXICON.moods)), st.integers(0, 100)), max_size=6), st.randoms())
def test_the_order_of_tags_changes_nothing(tags, random):
    shuffled = random.sample(tags, len(tags))
    for rule in (slides_rule, clean_rule):
        here, there = rule(track(*tags), LEXICON), rule(track(*shuffled), LEXICON)
        assert (here.mood, here.reason, set(here.tags)) == (there.mood, there.reason, set(there.tags))


def test_a_lexicon_with_a_tag_twice_is_refused(tmp_path):
    path = tmp_path / "lexicon.tsv"
    path.write_text("tag\tmood\tsources\tn_sources\tflag\nsad\tsad\tO:sad\t1\t\nsad\thappy\tO:sad\t1\t\n")
    with pytest.raises(ValueError, match="each tag must stand once"):
        read_lexicon(path)


@pytest.mark.real_data
def test_genuine_files(real_data):
    # By hand: Let's Get It Started has fun 8 and happy 3 (two words: dropped by the slides) and party 15.
    tracks = [
        parse_track(path.read_bytes(), str(path), None) for path in sorted((real_data / "lastfm_json").rglob("*.json"))
    ]
    by_title = {track.title: track for track in tracks}
    assert len(by_title) == 10
    assert slides_rule(by_title["Let's Get It Started"], LEXICON).reason == SEVERAL_WORDS
    assert clean_rule(by_title["Let's Get It Started"], LEXICON).mood == "happy"
    assert clean_rule(by_title["President Johnson"], LEXICON).mood == "relaxed"  # chillout 100
    assert clean_rule(by_title["Next Time"], LEXICON).reason == NO_TAGS
    assert by_title["Soul Deep"].tags[:2] == (("60s", 100), ("soul", 52))


def test_missing_keys_and_broken_files():
    assert parse_track(b"{}", "a/TRX.json", "test") == TaggedTrack("TRX", "", "", split="test")
    for broken in (b"[1]", b"{", b'{"track_id": 7}', json.dumps({"tags": [["sad", "many"]]}).encode()):
        assert parse_track(broken, "a/TRX.json", None).reason == "unreadable entry"
