"""A corpus with other proportions of moods: songs left out keep their row but lose their mood."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Bool

from research.tracks import TrackTable


def mixed_counts(available: Mapping[str, int], mix: Mapping[str, float]) -> dict[str, int]:
    """Songs of each mood in the largest sample that stands in given proportions, rounded down.

    Args:
        available: songs by mood.
        mix: what each mood weighs; any positive numbers, such as shares or another corpus' counts.

    Raises:
        ValueError: no mood, a weight that is not positive, or a mood that would be left without a song.
    """
    if not mix or min(mix.values()) <= 0:
        raise ValueError(f"mix {dict(mix)}: give a positive weight for each mood, such as happy .55 sad .35 angry .10")
    scale = min(available.get(mood, 0) / weight for mood, weight in mix.items())
    # 1e-9: the scarcest mood gives all its songs, though n / weight * weight may fall short of n by rounding.
    counts = {mood: int(scale * weight + 1e-9) for mood, weight in mix.items()}
    if empty := [mood for mood, count in counts.items() if not count]:
        raise ValueError(f"of {dict(available)} songs the mix {dict(mix)} leaves none that is {', '.join(empty)}")
    return counts


def sample_moods(
    tracks: TrackTable, counts: Mapping[str, int], seed: int, eligible: Bool[np.ndarray, " songs"] | None = None
) -> TrackTable:
    """The corpus with at most so many songs of each mood; other moods leave the label space.

    Songs that are left out keep their row but lose their mood, so positions stay and every split passes over them.
    With one seed a smaller sample of the same moods is part of a larger one.

    Args:
        counts: songs by mood.
        eligible: which songs may be taken; all by default.
    """
    moods = tracks.frame["mood"].to_numpy(dtype=object)
    eligible = np.ones(len(tracks), dtype=bool) if eligible is None else eligible
    generator = np.random.default_rng(seed)
    kept = pd.Series([None] * len(tracks), index=tracks.frame.index, dtype=object)
    for mood, count in counts.items():
        kept.iloc[generator.permutation(np.flatnonzero((moods == mood) & eligible))[:count]] = mood
    labels = tuple(label for label in tracks.corpus.labels if label in counts)
    return TrackTable(replace(tracks.corpus, labels=labels), tracks.frame.assign(mood=kept), tracks.folder)


def songs_by_mood(tracks: TrackTable) -> dict[str, int]:
    return {label: int((tracks.frame["mood"] == label).sum()) for label in tracks.corpus.labels}
