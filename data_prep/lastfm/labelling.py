"""Apply both label rules to all tracks of a Last.fm source, streaming: labels, differences, the slides' tables."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from data_prep.lastfm.files import Entry
from data_prep.lastfm.labels import LEXICON, MIN_WEIGHT, NO_MOOD_TAG, NO_MOOD_WORD, RULES, Lexicon, TaggedTrack, Verdict
from data_prep.lastfm.slides_tables import SlidesTables
from data_prep.table.songs import Rejected
from research.atomic import replacing, write_text

LABELS_FILE = "labels.parquet"
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("track_id", "artist", "title", "split")),
        ("duration_s", pa.float64()),
        *((f"{rule}_{column}", pa.string()) for rule in RULES for column in ("mood", "reason")),
        *((f"{rule}_tags", pa.list_(pa.string())) for rule in RULES),
    ]
)
BATCH_TRACKS = 20_000


@dataclass
class Tally:
    """What became of the tracks."""

    together: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Tracks by (mood or reason under `slides`, mood or reason under `clean`)."""
    unreadable: Counter[str] = field(default_factory=Counter)

    def to_json(self) -> str:
        return json.dumps([[*pair, n] for pair, n in self.together.items()] + [list(self.unreadable.items())])

    @classmethod
    def from_json(cls, text: str) -> "Tally":
        *pairs, unreadable = json.loads(text)
        return cls(Counter({(slides, clean): n for slides, clean, n in pairs}), Counter(dict(unreadable)))

    def of(self, rule: str) -> Counter[str]:
        """Tracks by mood or reason under one rule, unreadable ones among them."""
        place = ("slides", "clean").index(rule)
        counts = Counter(self.unreadable)
        for pair, n in self.together.items():
            counts[pair[place]] += n
        return counts


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """A track with its mood: what is looked for on the web."""

    track_id: str
    artist: str
    title: str
    mood: str
    tags: tuple[str, ...]
    split: str | None
    duration_s: float | None


def label_tracks(entries: Iterable[Entry], lexicon: Lexicon, out: Path) -> Tally:
    """Write `labels.parquet` (a row a track), `rules.md` (what the rules do differently) and the slides' CSV tables.

    Memory stays that of two batches, whatever the source holds. Measured for 100,000 tracks on one busy core: zips
    13 to 20 s, databases 7 to 10 s, at most 290 MB.
    """
    out.mkdir(parents=True, exist_ok=True)
    tally = Tally()
    labels = replacing(out / LABELS_FILE)
    with labels as partial, pq.ParquetWriter(partial, SCHEMA) as writer, SlidesTables(out) as slides:
        tracks = _readable(entries, tally)
        while batch := list(islice(tracks, BATCH_TRACKS)):
            rows = []
            for track in batch:
                verdicts = {name: rule(track, lexicon) for name, rule in RULES.items()}
                tally.together[tuple(_says(verdicts[name]) for name in ("slides", "clean"))] += 1
                slides.add(track, verdicts["slides"])
                rows.append(_row(track, verdicts))
            writer.write_table(pa.Table.from_pylist(rows, schema=SCHEMA))
    write_text(out / "rules.md", rules_table(tally))
    return tally


def read_labelled(out: Path, rule: str, songs_per_mood: int | None) -> list[Labelled]:
    """Tracks with a mood under a rule, in the order of the source.

    Args:
        rule: one of `RULES`.
        songs_per_mood: how many to take a mood; None: all. The choice hangs on the ids alone, so a larger number adds
            to a smaller one's songs, and a run that is taken up again finds the same.
    """
    columns = ["track_id", "artist", "title", "split", "duration_s", f"{rule}_mood", f"{rule}_tags"]
    table = pq.read_table(out / LABELS_FILE, columns=columns, filters=pc.field(f"{rule}_mood").is_valid())
    rows = table.rename_columns([column.removeprefix(f"{rule}_") for column in columns]).to_pylist()
    songs = [Labelled(**row | {"tags": tuple(row["tags"])}) for row in rows]
    if songs_per_mood is None:
        return songs
    chosen = set()
    for mood in {song.mood for song in songs}:
        ids = [song.track_id for song in songs if song.mood == mood]
        chosen |= set(sorted(ids, key=_draw)[:songs_per_mood])
    return [song for song in songs if song.track_id in chosen]


def rules_table(tally: Tally) -> str:
    """What `slides` and `clean` say of the same tracks, as Markdown: agreement first, then differences by size."""
    same = {pair: n for pair, n in tally.together.items() if _is_same(*pair)}
    others = [(pair, n) for pair, n in tally.together.most_common() if pair not in same]
    n_tracks = tally.together.total()
    lines = [
        "# The label rules `slides` and `clean` on the same tracks",
        "",
        f"{n_tracks} tracks; both say the same of {sum(same.values())}. A mood, or why there is none:",
        "",
        "| slides | clean | tracks |",
        "|---|---|---|",
        *(f"| {slides} | {clean} | {n} |" for (slides, clean), n in [*same.items(), *others]),
    ]
    return "\n".join(lines) + "\n"


def source_fingerprint(source: Path, lexicon: Lexicon) -> str:
    """Changes with the files of a source (as far as its top folder shows), the lexicon and the rules' numbers."""
    paths = [source, *(sorted(source.iterdir()) if source.is_dir() else ())]
    stamps = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in paths if path.exists()]
    parts = [
        str(source.absolute()),
        stamps,
        LEXICON.read_text(encoding="utf-8"),
        MIN_WEIGHT,
        sorted(lexicon.mismatched),
    ]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _readable(entries: Iterable[Entry], tally: Tally) -> Iterator[TaggedTrack]:
    for entry in tqdm(entries, desc="labelling", unit="track", disable=None):
        if isinstance(entry, Rejected):
            tally.unreadable[entry.reason] += 1
        else:
            yield entry


def _row(track: TaggedTrack, verdicts: dict[str, Verdict]) -> dict[str, object]:
    row = {name: getattr(track, name) for name in ("track_id", "artist", "title", "split", "duration_s")}
    for rule, verdict in verdicts.items():
        row |= {f"{rule}_mood": verdict.mood, f"{rule}_reason": verdict.reason, f"{rule}_tags": list(verdict.tags)}
    return row


def _says(verdict: Verdict) -> str:
    return verdict.mood or verdict.reason


def _is_same(slides: str, clean: str) -> bool:
    # The rules name the same emptiness differently: no word of forty, no tag of the lexicon.
    return slides == clean or (slides, clean) == (NO_MOOD_WORD, NO_MOOD_TAG)


def _draw(track_id: str) -> bytes:
    return hashlib.blake2b(track_id.encode(), digest_size=8).digest()
