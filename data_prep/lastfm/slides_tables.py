"""The slides' own tables of the `slides` rule: `slides_train.csv` and `slides_test.csv` with their columns."""

import csv
from contextlib import ExitStack
from pathlib import Path

from data_prep.lastfm.labels import TaggedTrack, Verdict
from research.atomic import replacing

COLUMNS = ("artist", "timestamp", "tags", "track_id", "title", "tags_list", "mood_tag", "mood_cat")
"""As the slides' program wrote them; tags are Python lists in text, weights among them text too."""


class SlidesTables:
    """Writes a table a split (`all` where a source has none), each in place once it is whole."""

    def __init__(self, out: Path):
        self._out, self._stack, self._writers = out, ExitStack(), {}

    def __enter__(self) -> "SlidesTables":
        return self

    def __exit__(self, *fault: object) -> None:
        self._stack.__exit__(*fault)

    def add(self, track: TaggedTrack, verdict: Verdict) -> None:
        """Write a track that the rule gave a mood."""
        if verdict.mood is None:
            return
        split = track.split or "all"
        if split not in self._writers:
            partial = self._stack.enter_context(replacing(self._out / f"slides_{split}.csv"))
            file = self._stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
            self._writers[split] = csv.writer(file, lineterminator="\n")
            self._writers[split].writerow(COLUMNS)
        tags = [[tag, str(weight)] for tag, weight in track.tags]
        names = [tag for tag, _ in track.tags]
        row = [track.artist, track.timestamp, tags, track.track_id, track.title, names]
        self._writers[split].writerow([*row, verdict.tags[0], verdict.mood.capitalize()])
