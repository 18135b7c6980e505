"""Lyrics: what is removed, what must stay, and tokens held to the tokenizer's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from research.features.lyrics import clean_lyrics, detect_language, tokenize_lyrics


@pytest.fixture(scope="module")
def tokenizer():
    """Four words and two special tokens, as a fast Hugging Face tokenizer."""
    from transformers import PreTrainedTokenizerFast

    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "the": 4, "rain": 5, "falls": 6, "again": 7}
    words = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="[UNK]", pad_token="[PAD]")


# Every text here was invented for the test.
@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("[Verse 1]\nGrey rain falls\n[Chorus: Anna & Bo]\nSing", "Grey rain falls\n\nSing"),
        ("[Intro:\nAnna]\nSing [x2]", "Sing"),
        ("(Chorus)\nSing\n(oh yeah)", "Sing\n(oh yeah)"),
        ("CHORUS:\nSing\n- Hook -\n*repeat chorus*\nVerse 2\n(Bridge: Anna)\nPre-Chorus x2:\nagain", "Sing\n\nagain"),
        ("Solo\nChorus of angels\nbridge over the sea", "Solo\nChorus of angels\nbridge over the sea"),
        ("[00:12.55]Grey rain\n[01:02]falls <01:02.30>again", "Grey rain\nfalls again"),
        ("[ar: Anna]\n[00:01.00]\nSing", "Sing"),
        ("12 ContributorsTranslationsEspañolGrey Rain Lyrics[Verse]\nSing", "Sing"),
        ("1 ContributorGrey Rain LyricsSing\nof lyrics", "Sing\nof lyrics"),
        ("fallsYou might also likeAgain", "falls\nAgain"),
        ("You might also like the rain", "You might also like the rain"),
        ("falls123Embed", "falls"),
        ("falls\n1.2KEmbed\n", "falls"),
        ("Embed me in stone", "Embed me in stone"),
        ("fallsSee Anna LiveGet tickets as low as $57You might also like[Chorus]\nagain", "falls\n\nagain"),
        ("a  b\t c \r\n\r\n\r\n\r\nd\u200b\ufeff", "a b c\n\nd"),
        ("CafÃ© dâ€™amour &amp; rain", "Café d'amour & rain"),
        # Persian "I want", spelt with a zero-width non-joiner.
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        (" \n[Instrumental]\n ", ""),
    ],
)
def test_only_sung_words_stay(raw, clean):
    assert clean_lyrics(raw) == clean


@given(st.text(alphabet="ab C[]()12:\n ", max_size=60))
def test_clean_text_has_no_ragged_white_space(raw):
    lines = clean_lyrics(raw).split("\n")
    assert all(line == " ".join(line.split()) for line in lines)
    assert "\n\n\n" not in clean_lyrics(raw)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The rain is falling\non the roof of my house tonight", "en"),
        ("Der Regen fällt heute Nacht\nauf das Dach von meinem Haus", "de"),
        ("La pluie tombe ce soir\nsur le toit de ma maison", "fr"),
        ("La lluvia cae esta noche\nsobre el techo de mi casa", "es"),
        ("今夜も雨が屋根に降っている", "ja"),
        ("THE RAIN IS FALLING ON THE ROOF OF MY HOUSE", "en"),
        ("", None),
        ("\n 12 ... !!", None),
        ("na na na", None),
    ],
)
def test_language(text, language):
    assert detect_language(text) == language


def test_the_language_of_the_song_is_not_that_of_its_first_line():
    first = "The rain is falling on the roof of my house, falling on the roof of my house tonight\n"
    assert detect_language(first + "Der Regen fällt heute Nacht auf das Dach von meinem Haus\n" * 20) == "de"


def test_tokens_by_hand(tokenizer):
    tokens = tokenize_lyrics(["the rain falls", "", " \n", "again snow"], tokenizer, max_tokens=8)
    assert [ids.tolist() for ids in tokens] == [[2, 4, 5, 6, 3], [], [], [2, 7, 1, 3]]
    assert {ids.dtype for ids in tokens} == {np.dtype(np.int32)}
    assert tokenize_lyrics([""], tokenizer, max_tokens=8)[0].shape == (0,)


@given(words=st.lists(st.sampled_from(["the", "rain", "falls", "again", "snow"]), min_size=1, max_size=99))
def test_the_cut_before_tokenising_changes_no_token(tokenizer, words):
    text = " ".join(words)
    expected = tokenizer(text, truncation=True, max_length=16)["input_ids"]
    assert tokenize_lyrics([text], tokenizer, max_tokens=16)[0].tolist() == expected


def test_of_a_book_no_more_is_read_than_a_song_needs(tokenizer):
    read = []

    def spy(texts, **options):
        read.extend(len(text) for text in texts)
        return tokenizer(texts, **options)

    song = "the rain falls again " * 1_000
    short, long = (tokenize_lyrics([text], spy, max_tokens=64)[0] for text in (song, song * 25))
    np.testing.assert_array_equal(long, short)
    # 100,000 words are cut before the tokenizer sees them, which would take seconds for a page.
    assert read[0] == read[1] < len(song)


@pytest.mark.real_data
def test_languages_of_real_lyrics(real_data):
    expected = {"French": "fr", "Spanish": "es", "German": "de"}
    rows = [line.split(",") for line in (real_data / "jamendolyrics/tracks.csv").read_text("utf-8").splitlines()]
    named = {cell: next(c for c in row if c in expected) for row in rows[1:] for cell in row if "jamendo_" in cell}
    songs = {path.stem: path for path in sorted((real_data / "jamendolyrics/lyrics").glob("*.txt"))}
    assert songs
    found = {song: detect_language(clean_lyrics(path.read_text("utf-8"))) for song, path in songs.items()}
    assert found == {song: expected[named[song]] for song in songs}
