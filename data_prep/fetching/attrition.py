"""The attrition table: what was lost at each step and why, one row per stage and mood."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from research.moods import MOODS

NO_MOOD = "none"
"""Stands for the mood where a track has none yet or any longer."""
PENDING = "not yet fetched"


@dataclass
class Row:
    """One mood at one stage."""

    stage: str
    mood: str
    n_in: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def lost(self) -> int:
        return self.n_in - self.kept


def label_rows(counts: Mapping[str, int]) -> list[Row]:
    """Rows of the labelling, from tracks by mood or by reason for none."""
    moods = [Row("tags", mood, counts[mood], counts[mood]) for mood in MOODS if counts.get(mood)]
    reasons = Counter({reason: n for reason, n in counts.items() if reason not in MOODS and n})
    return [*moods, *([Row("tags", NO_MOOD, reasons.total(), 0, reasons)] if reasons else [])]


def stage_rows(stage: str, ends: Iterable[tuple[str, str]]) -> list[Row]:
    """Rows of a stage from each song's (mood, reason it was lost or "")."""
    rows: defaultdict[str, Row] = defaultdict(lambda: Row(stage, NO_MOOD))
    for mood, reason in ends:
        row = rows[mood]
        row.mood = mood
        row.n_in += 1
        if reason:
            row.reasons[reason] += 1
        else:
            row.kept += 1
    return [rows[mood] for mood in MOODS if mood in rows]


def attrition_csv(rows: Sequence[Row]) -> str:
    """Long table: a row a stage, mood and reason; kept songs stand under the reason "kept"."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["stage", "mood", "in", "kept", "lost", "reason", "songs"])
    for row in rows:
        for reason, n in [("kept", row.kept), *row.reasons.most_common()]:
            writer.writerow([row.stage, row.mood, row.n_in, row.kept, row.lost, reason, n])
    return text.getvalue()


def attrition_markdown(rows: Sequence[Row]) -> str:
    lines = ["| stage | mood | in | kept | lost | why |", "|---|---|---|---|---|---|"]
    for row in rows:
        why = "; ".join(f"{reason} {n}" for reason, n in row.reasons.most_common())
        lines.append(f"| {row.stage} | {row.mood} | {row.n_in} | {row.kept} | {row.lost} | {why} |")
    return "\n".join(lines) + "\n"
