"""Words that are counted by hand: the lexicon and tf-idf."""

from dataclasses import replace

import numpy as np
import pytest

from baselines import lexicon, tfidf
from baselines.classical import Config, song_targets
from baselines.lexicon import count_moods, mood_words
from research.moods import MIREX_CLUSTERS, MOODS
from research.splits.folds import artist_folds
from research.tracks import TrackTable, read_tracks

SUNG = {"happy": "cheerful and merry", "angry": "rage and fury", "sad": "gloomy, so gloomy!"}

N_SUNG = (1, 2, 2)  # the lexicon contests "cheerful"


@pytest.fixture
def sung_tracks(easy_tracks, tmp_path):
    """Easy songs whose words name their mood; song 0 has no words."""
    for mood, words in SUNG.items():
        (tmp_path / f"{mood}.txt").write_text(f"la la la the moon is {words}")
    (tmp_path / "empty.txt").write_text(" \n")
    lyrics = ["empty.txt", *(f"{mood}.txt" for mood in easy_tracks.frame["mood"][1:])]
    return TrackTable(easy_tracks.corpus, easy_tracks.frame.assign(lyrics=lyrics), tmp_path)


def test_whole_words_count_in_any_case():
    moods = {"sad": "sad", "fun": "happy"}
    counts = count_moods("SAD, sadly. Fun? fun-fair! funny\nsad", moods, ("happy", "sad"))
    assert counts.tolist() == [2, 2]
    assert count_moods("sad", moods, ("happy",)).tolist() == [0]


def test_the_projects_lexicon_names_all_four_moods_and_leaves_out_contested_words():
    words = mood_words()
    assert set(words.values()) == set(MOODS)
    assert words["gloomy"] == "sad"
    assert not {"light", "bittersweet", "happy music"} & set(words)  # ambiguous, contested, two words


def test_lexicon_by_hand(sung_tracks):
    split = artist_folds(sung_tracks, 3)[0]
    found = lexicon.prepare(sung_tracks, Config())(split, 0)
    train = song_targets(sung_tracks)[split.train]
    shares = np.bincount(train, minlength=3) / len(train)
    for row, probs in zip(split.valid, found.valid, strict=True):
        target = song_targets(sung_tracks)[row]
        words = N_SUNG[target] * (np.arange(3) == target) if row else 0
        np.testing.assert_allclose(probs, (words + shares) / (words + shares).sum(), rtol=1e-12)
    assert found.chosen["test_songs_with_mood_words"] == sum(split.test != 0)


def test_lexicon_refuses_moods_it_has_no_words_for(sung_tracks):
    clusters = replace(sung_tracks.corpus, labels=MIREX_CLUSTERS)
    with pytest.raises(ValueError, match=r"easy has moods passionate, .* for which lexicon.tsv has no words"):
        lexicon.prepare(TrackTable(clusters, sung_tracks.frame, sung_tracks.folder), Config())


def test_tfidf_learns_words_that_differ(sung_tracks):
    split = artist_folds(sung_tracks, 3)[0]
    found = tfidf.prepare(sung_tracks, Config())(split, 0)
    sung = split.test[split.test != 0]
    np.testing.assert_array_equal(found.test.argmax(axis=1)[split.test != 0], song_targets(sung_tracks)[sung])
    assert found.chosen["classify__C"] in tfidf.GRID["classify__C"]


@pytest.mark.parametrize("prepare", [lexicon.prepare, tfidf.prepare])
def test_a_corpus_without_words_is_refused(wordless_table, prepare):
    with pytest.raises(ValueError, match="synthetic has no lyrics; prepare it with lyrics or use the audio baselines"):
        prepare(read_tracks(wordless_table), Config())
