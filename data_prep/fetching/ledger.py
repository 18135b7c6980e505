"""Log of what was done for each song, on disk before the next song starts, so a killed run can resume."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The end of one stage for one song."""

    track_id: str
    kept: bool
    reason: str = ""
    """Why it was lost, in words that are counted; empty where it was kept."""
    tried: tuple[str, ...] = ()
    """Providers asked, in order: a lost song is tried again when others are named."""
    detail: Mapping[str, object] = field(default_factory=dict)


class Ledger:
    """Outcomes by stage and song in one SQLite file."""

    def __init__(self, path: Path):
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, isolation_level=None)  # Every statement is a transaction of its own.
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")  # A killed program loses nothing, a power cut the last songs.
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS outcomes (stage TEXT, track_id TEXT, kept INT, reason TEXT, tried TEXT, "
            "detail TEXT, PRIMARY KEY (stage, track_id)) WITHOUT ROWID"
        )
        self._db.execute("CREATE TABLE IF NOT EXISTS notes (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")

    def record(self, stage: str, outcome: Outcome) -> None:
        detail = json.dumps(dict(outcome.detail), ensure_ascii=False, sort_keys=True)
        row = (stage, outcome.track_id, outcome.kept, outcome.reason, json.dumps(outcome.tried), detail)
        self._db.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?, ?, ?)", row)

    def outcomes(self, stage: str) -> dict[str, Outcome]:
        """Outcomes of a stage by track id."""
        rows = self._db.execute("SELECT track_id, kept, reason, tried, detail FROM outcomes WHERE stage = ?", (stage,))
        return {
            track_id: Outcome(
                track_id=track_id,
                kept=bool(kept),
                reason=reason,
                tried=tuple(json.loads(tried)),
                detail=json.loads(detail),
            )
            for track_id, kept, reason, tried, detail in rows
        }

    def note(self, key: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO notes VALUES (?, ?)", (key, value))

    def noted(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM notes WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def close(self) -> None:
        self._db.close()
