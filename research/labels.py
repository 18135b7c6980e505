"""Label spaces (one mood per song, any number of tags, or both) and the targets of each song."""

from collections import Counter
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from research.tracks import TrackTable

Task = Literal["moods", "tags", "moods+tags"]
Targets = Int[np.ndarray, " songs"] | Float[np.ndarray, "songs labels"]
MIN_SONGS = 20
"""Rarer tags are left out; in five folds, each then tests about four songs of the rarest tag."""


@dataclass(frozen=True)
class LabelSpace:
    """A model's outputs in their order: moods, which exclude each other, then tags, which do not."""

    moods: tuple[str, ...]
    tags: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.moods) + len(self.tags)


def label_space(tracks: TrackTable, task: Task, min_songs: int = MIN_SONGS) -> LabelSpace:
    """Labels of a task on a corpus.

    Args:
        min_songs: tags of fewer songs are left out.

    Raises:
        ValueError: the corpus has no mood, or no tag with that many songs.
    """
    moods = tracks.corpus.labels if task != "tags" else ()
    if task != "tags" and not moods:
        raise ValueError(f"{tracks.corpus.name} has no moods; choose the task 'tags'")
    if task == "moods":
        return LabelSpace(moods)
    songs = Counter(tag for tags in tracks.frame["tags"] for tag in set(tags))
    tags = tuple(tag for tag in tracks.corpus.tags if songs[tag] >= min_songs)
    if not tags:
        most = max(songs.values(), default=0)
        raise ValueError(f"{tracks.corpus.name} has no tag of {min_songs} songs (the most frequent has {most})")
    return LabelSpace(moods, tags)


def target_array(tracks: TrackTable, space: LabelSpace) -> Targets:
    """Targets of each song of the table.

    Returns:
        Without tags, the position of the mood in the label space, -1 if unknown. With tags, 1 for each label that a
        song has and 0 for the others; all moods of a song without mood, and all tags of a song without any tag, are
        NaN.
    """
    place = {mood: index for index, mood in enumerate(space.moods)}
    moods = np.array([place.get(mood, -1) for mood in tracks.frame["mood"]], dtype=np.int64)
    if not space.tags:
        return moods
    truth = np.zeros((len(tracks), len(space)), dtype=np.float32)
    of_mood = truth[:, : len(space.moods)]
    of_mood[np.flatnonzero(moods >= 0), moods[moods >= 0]] = 1
    of_mood[moods < 0] = np.nan
    column = {tag: len(space.moods) + index for index, tag in enumerate(space.tags)}
    for row, tags in enumerate(tracks.frame["tags"]):
        truth[row, [column[tag] for tag in tags if tag in column]] = 1
        if not tags:
            truth[row, len(space.moods) :] = np.nan
    return truth


def has_target(targets: Targets) -> Bool[np.ndarray, " songs"]:
    """Which songs have any known label."""
    return targets >= 0 if targets.ndim == 1 else ~np.isnan(targets).all(axis=1)
