"""Mood from mood words in the lyrics: how often each mood's tags of `research/lexicon.tsv` occur.

Run: python baselines/lexicon.py --tracks data/nju_musicmood/tracks.parquet --out runs/nju --protocol official
Expect: macro-F1 .238 there, far below tf-idf: two songs of three contain no mood word at all.
"""

import csv
import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

import research
from baselines.classical import Answer, Answers, Baseline, Config, mood_shares, run_baseline
from baselines.tfidf import song_words
from research.command import run_command
from research.splits.folds import Split
from research.tracks import TrackTable

LEXICON = Path(research.__file__).parent / "lexicon.tsv"
PRIOR_WORDS = 1.0
"""Weight of each mood's share among the training songs, in words: what decides where no mood word is sung."""
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


def mood_words(path: Path = LEXICON) -> dict[str, str]:
    """Mood of each single-word tag; words that mean something else as often ("light", "still") are left out."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return {row["tag"]: row["mood"] for row in rows if not row["flag"] and WORD.fullmatch(row["tag"])}


def count_moods(text: str, moods: Mapping[str, str], labels: tuple[str, ...]) -> np.ndarray:
    """How many words of each mood a text holds, whole words in any case.

    >>> count_moods("Sad, so SAD; sadly happy", {"sad": "sad", "happy": "happy"}, ("happy", "sad"))
    array([1., 2.])
    """
    counts = np.zeros(len(labels))
    for word in WORD.findall(text.lower()):
        if moods.get(word) in labels:
            counts[labels.index(moods[word])] += 1
    return counts


def prepare(tracks: TrackTable, _config: Config) -> Answer:
    moods, labels = mood_words(), tracks.corpus.labels
    if unknown := [label for label in labels if label not in moods.values()]:
        raise ValueError(
            f"{tracks.corpus.name} has moods {', '.join(unknown)}, for which {LEXICON.name} has no words; "
            "add tags of these moods to it, or use the tf-idf baseline"
        )
    counts = np.stack([count_moods(text, moods, labels) for text in song_words(tracks)])  # (songs, labels)

    def answer(split: Split, _seed: int) -> Answers:
        both = np.concatenate([split.train, split.valid])
        return Answers(
            _probabilities(counts[split.valid], mood_shares(tracks, split.train)),
            _probabilities(counts[split.test], mood_shares(tracks, both)),
            chosen={"test_songs_with_mood_words": int((counts[split.test].sum(axis=1) > 0).sum())},
        )

    return answer


def _probabilities(counts: np.ndarray, shares: np.ndarray) -> np.ndarray:
    weighted = counts + PRIOR_WORDS * shares
    return weighted / weighted.sum(axis=1, keepdims=True)


LEXICON_WORDS = Baseline("lyrics-lexicon", {"words": "unflagged single-word tags", "prior_words": PRIOR_WORDS}, prepare)

if __name__ == "__main__":
    run_command(partial(run_baseline, LEXICON_WORDS), Config, __doc__)
