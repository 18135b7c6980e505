"""Same song or not: a golden table of real names, and real songs of one artist against each other."""

import csv
from collections import defaultdict
from itertools import combinations
from pathlib import Path

import pytest

from data_prep.matching import MIN_SCORE, Named, match, title_parts
from research.tracks import artist_key

PAIRS = Path(__file__).parents[1] / "golden" / "title_pairs.tsv"


def golden_pairs():
    with PAIRS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            wanted, found = (
                Named(
                    artist=row[f"{side}artist"],
                    title=row[f"{side}title"],
                    duration_s=float(row[f"{side}duration_s"]) if row[f"{side}duration_s"] else None,
                )
                for side in ("", "found_")
            )
            yield wanted, found, row["same"] == "yes"


def test_golden_pairs():
    pairs = list(golden_pairs())
    accepted = [same for wanted, found, same in pairs if match(wanted, found).score >= MIN_SCORE]
    n_same = sum(same for *_, same in pairs)
    assert (len(pairs), n_same) == (89, 44)
    assert sum(accepted) / len(accepted) == 1.0
    assert sum(accepted) / n_same >= 0.9  # 42 of 44: what is left in doubt is left out


def test_either_side_may_be_the_one_wanted():
    for wanted, found, _ in golden_pairs():
        assert (match(wanted, found).score >= MIN_SCORE) == (match(found, wanted).score >= MIN_SCORE)


@pytest.mark.parametrize(
    ("found", "fault"),
    [
        (Named(artist="Bob", title="Sun"), "another artist"),
        (Named(artist="Ann", title="Moon"), "another title"),
        (Named(artist="Ann", title="Sun (Live)"), "another version"),
        (Named(artist="Ann", title="Sun", duration_s=260), "another duration"),
        (Named(artist="", title="Sun"), "another artist"),
    ],
)
def test_what_differs_is_named(found, fault):
    assert match(Named(artist="Ann", title="Sun", duration_s=200), found).fault == fault


def test_a_longer_way_off_scores_less():
    # By hand: slack is 5 % of 200 s = 10 s, the loss 0.05 at the end of it.
    wanted = Named(artist="Ann", title="Sun", duration_s=200)
    scores = [match(wanted, Named(artist="Ann", title="Sun", duration_s=200 + s)).score for s in (0, 5, 10, 10.1)]
    assert scores == [1.0, 0.975, 0.95, 0.0]


@pytest.mark.parametrize(("wanted", "found"), [("ハハ", "パパ"), ("バス", "パス"), ("かき", "かぎ")])
def test_voiced_kana_are_other_letters(wanted, found):
    assert match(Named(artist="Ann", title=wanted), Named(artist="Ann", title=found)).fault == "another title"
    assert match(Named(artist=wanted, title="Sun"), Named(artist=found, title="Sun")).fault == "another artist"


def test_spellings_of_a_kana_meet():
    # Composed, decomposed, halfwidth.
    for found in ("パパ", "ハ\u309aハ\u309a", "ﾊﾟﾊﾟ"):
        assert match(Named(artist="Ann", title="パパ"), Named(artist="Ann", title=found)).score == 1.0


def test_a_title_taken_apart():
    parts = title_parts("Let It Be (feat. Billy Preston) [Live] - 2009 Remaster")
    assert parts.forms == ("let it be",)
    assert parts.versions == {"live"}


@pytest.mark.real_data
def test_songs_of_one_artist_are_told_apart(real_data):
    # 738 pairs; the three that match are one song indeed or one letter apart, read one by one.
    songs = defaultdict(set)
    for corpus in ("mirex_like", "qaed4"):
        with (real_data / corpus / "tracks.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                songs[artist_key(row["artist"])].add((artist_key(row["artist"]), row["title"]))
    pairs = [pair for own in songs.values() for pair in combinations(sorted(own), 2)]
    named = [[Named(artist=artist, title=title) for artist, title in pair] for pair in pairs]
    assert len(pairs) > 700
    assert sum(match(*pair).score >= MIN_SCORE for pair in named) <= 3
