"""Numbers of others, to stand below ours: never on the same songs and split, so marked and never compared by a test."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

TABLE = Path(__file__).with_name("published.tsv")
EVERYWHERE = "slides"
"""Corpus of the numbers shown beside any corpus: those this project started from."""


@dataclass(frozen=True)
class PublishedScore:
    """One printed result; None where only the other metric was printed."""

    model: str
    protocol: str
    songs: int
    accuracy: float | None
    macro_f1: float | None
    majority: float | None
    source: str
    """Citation."""

    @property
    def metrics(self) -> dict[str, float | None]:
        """By the names of `research.reports.scores.METRICS`, as far as such numbers are kept."""
        return {"accuracy": self.accuracy, "macro_f1": self.macro_f1}


def published_scores(corpus: str) -> list[PublishedScore]:
    """Numbers printed for a corpus (in whatever edition), after those of the slides."""
    table = pd.read_csv(TABLE, sep="\t", dtype={"songs": int})
    table = table[table["corpus"].isin([EVERYWHERE, corpus])].drop(columns="corpus")
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [PublishedScore(**row) for row in rows]
