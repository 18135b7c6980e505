"""Report on a downloaded corpus: attrition, lyrics coverage per mood, sources of audio and lyrics."""

from collections import Counter
from collections.abc import Mapping, Sequence

from data_prep.fetching.attrition import PENDING, Row, attrition_csv, attrition_markdown, label_rows, stage_rows
from data_prep.fetching.ledger import Outcome
from data_prep.fetching.pipeline import Fetched
from data_prep.lastfm.labelling import Labelled
from data_prep.table.songs import Rejected
from research.atomic import write_text
from research.tracks import TrackTable


def attrition(
    labels: Mapping[str, int], songs: Sequence[Labelled], fetched: Fetched, rejected: Sequence[Rejected]
) -> list[Row]:
    """Rows of all stages.

    Args:
        labels: tracks of the source by mood or reason for none.
        songs: those that were looked for.
        rejected: those that screening took out.
    """
    n_drawn = Counter(song.mood for song in songs)
    drawn = [
        Row("drawn", mood, labels[mood], n, Counter({"not drawn": labels[mood] - n})) for mood, n in n_drawn.items()
    ]
    reasons = {row.song: row.reason for row in rejected}
    fetched_songs = [song for song in songs if song.track_id in fetched.sound and song.track_id in fetched.words]
    return [
        *label_rows(labels),
        *(row for row in drawn if row.lost),
        *stage_rows("sound", [(song.mood, _loss(fetched.sound.get(song.track_id))) for song in songs]),
        *stage_rows("words", [(song.mood, _loss(fetched.words.get(song.track_id))) for song in songs]),
        *stage_rows("corpus", [(song.mood, reasons.get(song.track_id, "")) for song in fetched_songs]),
    ]


def report(table: TrackTable, rows: Sequence[Row], fetched: Fetched, crossing: Sequence[str]) -> None:
    """Write `attrition.csv` and add to `card.md` what its general part does not know.

    Args:
        crossing: artists that the source's splits have on both sides.
    """
    write_text(table.folder / "attrition.csv", attrition_csv(rows))
    card = table.folder / "card.md"
    lines = [
        "",
        *_unfinished(fetched),
        "## Lost at each stage (all of it in attrition.csv)",
        "",
        attrition_markdown(rows),
        *_coverage(table),
        *_sources("sound", fetched.sound, table),
        *_sources("words", fetched.words, table),
        *_licences(table),
        f"- artists on both sides of the source's splits: {len(crossing)}",
    ]
    write_text(card, card.read_text(encoding="utf-8") + "\n".join(lines) + "\n")


def _loss(outcome: Outcome | None) -> str:
    return PENDING if outcome is None else outcome.reason


def _unfinished(fetched: Fetched) -> list[str]:
    if not fetched.stopped:
        return []
    why = [f"- {reason}" for reason in fetched.stopped]
    return ["## UNFINISHED: run the same command again to resume", "", *why, ""]


def _coverage(table: TrackTable) -> list[str]:
    frame = table.frame
    lines = ["| mood | songs | with sound | with words | with both |", "|---|---|---|---|---|"]
    for mood in table.corpus.labels:
        songs = frame[frame["mood"] == mood]
        sound, words = songs["audio"].notna(), songs["lyrics"].notna()
        if len(songs):
            lines.append(
                f"| {mood} | {len(songs)} | {sound.mean():.1%} | {words.mean():.1%} | {(sound & words).mean():.1%} |"
            )
    return [*lines, ""]


def _licences(table: TrackTable) -> list[str]:
    named = table.frame["licence"].value_counts()
    unnamed = int(table.frame["licence"].isna().sum())
    rows = [f"{licence} {n}" for licence, n in named.items()]
    return [f"- licences of single songs: {', '.join([*rows, f'none given {unnamed}'])}"]


def _sources(kind: str, outcomes: Mapping[str, Outcome], table: TrackTable) -> list[str]:
    ids = set(table.frame["track_id"])
    details = [outcome.detail for track_id, outcome in outcomes.items() if outcome.kept and track_id in ids]
    if not details:
        return []
    providers = Counter(detail["provider"] for detail in details)
    scores = sorted(detail["score"] for detail in details)
    named = ", ".join(f"{provider} {n}" for provider, n in providers.most_common())
    return [f"- {kind} from: {named}; match score median {scores[len(scores) // 2]:.3f}, lowest {scores[0]:.3f}"]
