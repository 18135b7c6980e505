"""Mixes: the largest sample in given proportions, by hand, and rows that stay where they are."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research.splits.mixes import mixed_counts, sample_moods, songs_by_mood
from research.tracks import Corpus, TrackTable

SKEWED = {"happy": 0.55, "sad": 0.35, "angry": 0.10}
LABELS = ("happy", "angry", "sad", "relaxed")


@pytest.fixture
def tracks() -> TrackTable:
    """40 songs a mood, in no order."""
    moods = np.random.default_rng(0).permutation(np.repeat(LABELS, 40)).astype(object)
    frame = pd.DataFrame({"track_id": [f"t{row}" for row in range(160)], "mood": moods}, dtype=object)
    return TrackTable(Corpus(name="toy", labels=LABELS, citation="none", licence="CC0"), frame, Path())


def test_a_balanced_corpus_gives_all_of_its_most_wanted_mood():
    # 180 / .55 = 327.3 songs in all, of them 35 % = 114.5 and 10 % = 32.7, rounded down.
    assert mixed_counts(dict.fromkeys(LABELS, 180), SKEWED) == {"happy": 180, "sad": 114, "angry": 32}


def test_the_scarcest_mood_sets_the_size_and_counts_serve_as_weights():
    slides = {"happy": 8_875, "sad": 5_561, "angry": 1_652}
    assert mixed_counts({"happy": 10_000, "sad": 10_000, "angry": 826}, slides) == {
        "happy": 4_437,
        "sad": 2_780,
        "angry": 826,
    }


def test_rounding_never_costs_a_song():
    for n in (3, 6, 12, 24, 48):  # for which n / .35 * .35 is below n in floats
        available = {"happy": n, "sad": n}
        assert mixed_counts(available, {"happy": 0.35, "sad": 0.35}) == available


def test_songs_left_out_keep_their_row_but_lose_their_mood(tracks):
    counts = mixed_counts(songs_by_mood(tracks), SKEWED)
    sample = sample_moods(tracks, counts, seed=0)
    assert songs_by_mood(sample) == {"happy": 40, "angry": 7, "sad": 25}
    assert sample.corpus.labels == ("happy", "angry", "sad")
    assert sample.frame["track_id"].tolist() == tracks.frame["track_id"].tolist()
    kept = sample.frame["mood"].notna()
    assert sample.frame["mood"][kept].tolist() == tracks.frame["mood"][kept].tolist()


def test_the_sample_follows_its_seed_and_grows_by_adding(tracks):
    first, again, other = (sample_moods(tracks, {"happy": 20, "sad": 10}, seed) for seed in (0, 0, 1))
    assert first.frame["mood"].equals(again.frame["mood"])
    assert not first.frame["mood"].equals(other.frame["mood"])
    larger = sample_moods(tracks, {"happy": 30, "sad": 20}, 0).frame["mood"]
    assert larger[first.frame["mood"].notna()].notna().all()


def test_songs_that_are_not_eligible_stay_out(tracks):
    eligible = np.arange(160) < 80
    sample = sample_moods(tracks, {"happy": 40, "sad": 40}, 0, eligible)
    assert np.flatnonzero(sample.frame["mood"].notna()).max() < 80
    assert songs_by_mood(sample)["sad"] == int(((tracks.frame["mood"] == "sad") & eligible).sum())


def test_what_no_sample_can_satisfy_is_refused():
    with pytest.raises(ValueError, match="leaves none that is happy, sad, angry"):
        mixed_counts({"happy": 3, "sad": 3}, SKEWED)
    with pytest.raises(ValueError, match="leaves none that is angry"):
        mixed_counts({"happy": 5, "sad": 5, "angry": 5}, SKEWED)
    with pytest.raises(ValueError, match="give a positive weight for each mood"):
        mixed_counts({"happy": 3}, {"happy": -1.0})
