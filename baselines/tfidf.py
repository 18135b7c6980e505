"""Mood from lyrics: tf-idf and logistic regression.

Run: python baselines/tfidf.py --tracks data/mirex_like/tracks.parquet --out runs/mirex_like
Expect: accuracy .404 on mirex_like (5 artist folds, seed 0); macro-F1 .495 on nju_musicmood (official split).
Cost: about 10 s a fold of 600 songs on one core.
"""

from functools import partial

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from baselines.classical import Answer, Baseline, Config, fit_and_answer, run_baseline
from research.command import run_command
from research.tracks import TrackTable

GRID = {"words__stop_words": (None, "english"), "classify__C": (1.0, 3.0, 10.0)}
"""Whether English words like "the" are left out; strength of the data against the penalty."""


def song_words(tracks: TrackTable) -> np.ndarray:
    """Lyrics of each song, empty where it has none.

    Raises:
        ValueError: no song has lyrics.
    """
    texts = np.array([tracks.lyrics_text(row) or "" for row in range(len(tracks))], dtype=object)
    if not any(text.strip() for text in texts):
        raise ValueError(f"{tracks.corpus.name} has no lyrics; prepare it with lyrics or use the audio baselines")
    return texts


def prepare(tracks: TrackTable, _config: Config) -> Answer:
    words = song_words(tracks)
    usable = np.array([bool(text.strip()) for text in words])
    model = Pipeline(
        [
            ("words", TfidfVectorizer(sublinear_tf=True, min_df=2)),
            ("classify", LogisticRegression(class_weight="balanced", max_iter=1_000)),
        ]
    )
    return partial(fit_and_answer, model, [GRID], words, usable, tracks)


TFIDF = Baseline("lyrics-tfidf", {"features": "tf-idf of words in two songs or more, sublinear", "grid": GRID}, prepare)

if __name__ == "__main__":
    run_command(partial(run_baseline, TFIDF), Config, __doc__)
