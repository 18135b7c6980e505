"""A model's most confident errors, with their artists, and its scores by genre or other tag."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from research.evaluation.statistics import wilson_interval
from research.reports.calibrated import probabilities
from research.reports.formats import interval, share
from research.reports.scores import ModelScore

N_SONGS = 15
N_ARTISTS = 8
LEAST_SONGS = 3
"""An artist of fewer songs is not said to be hard."""
N_TAGS = 15
LEAST_TAGGED = 10
"""Of fewer songs the interval says nothing."""


def worst_songs(score: ModelScore, titles: Mapping[str, str], n: int = N_SONGS) -> pd.DataFrame:
    """The wrong answers a model is surest of, their probabilities averaged over seeds, the surest first.

    Args:
        titles: by track_id; a song without one stands under its id.
    """
    probs = probabilities(score).mean(axis=0)  # (songs, labels)
    answers = probs.argmax(axis=1)
    wrong = np.flatnonzero(answers != score.targets)
    worst = wrong[np.argsort(-probs[wrong, answers[wrong]], kind="stable")][:n]
    return pd.DataFrame(
        [
            (
                score.artists[song],
                titles.get(score.track_ids[song]) or score.track_ids[song],
                score.labels[score.targets[song]],
                share(probs[song, score.targets[song]]),
                score.labels[answers[song]],
                share(probs[song, answers[song]]),
            )
            for song in worst
        ],
        columns=["artist", "song", "mood", "its probability", "answer", "probability"],
    )


def hardest_artists(score: ModelScore, n: int = N_ARTISTS) -> pd.DataFrame:
    """Artists of at least `LEAST_SONGS` tested songs by the share of wrong answers, the hardest first."""
    songs = pd.DataFrame({"artist": score.artists, "errors": (score.predictions != score.targets).mean(axis=0)})
    by_artist = songs.groupby("artist")["errors"].agg(["size", "mean"]).query(f"size >= {LEAST_SONGS}")
    hardest = by_artist.sort_values(["mean", "size"], ascending=False, kind="stable").head(n)
    rows = [(artist, str(int(row["size"])), share(row["mean"])) for artist, row in hardest.iterrows()]
    return pd.DataFrame(rows, columns=["artist", "songs", "wrong"])


def errors_by_tag(score: ModelScore, tags: Mapping[str, Sequence[str]], n: int = N_TAGS) -> pd.DataFrame:
    """Share of wrong answers among the songs of each genre or other tag, the hardest first.

    Of all tags the most frequent are shown, not the worst: those would be picked by luck.

    Args:
        tags: by track_id; a song may have several, or none.
    """
    wrong = (score.predictions != score.targets).mean(axis=0)
    of_songs = [tags.get(track_id, ()) for track_id in score.track_ids]
    tagged = pd.DataFrame({"tag": of_songs, "wrong": wrong}).explode("tag").dropna(subset="tag")
    counts = tagged["tag"].value_counts()
    # By name where equally frequent, so that the choice does not hang on the order of songs.
    frequent = sorted(counts.index[counts >= LEAST_TAGGED], key=lambda tag: (-counts[tag], tag))[:n]
    errors = {tag: tagged["wrong"][tagged["tag"] == tag] for tag in frequent}
    hardest = sorted(frequent, key=lambda tag: -errors[tag].mean())
    rows = [
        (tag, str(len(errors[tag])), interval(wilson_interval(float(errors[tag].sum()), len(errors[tag]))))
        for tag in hardest
    ]
    return pd.DataFrame(rows, columns=["tag", "songs", "wrong [95 %]"])
