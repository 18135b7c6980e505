"""Songs that a model got most confidently wrong, and by whom they are."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from research.reports.calibrated import probabilities
from research.reports.formats import share
from research.reports.scores import ModelScore

N_SONGS = 15
N_ARTISTS = 8
LEAST_SONGS = 3
"""An artist of fewer songs is not said to be hard."""


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
