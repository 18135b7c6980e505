"""Piano moods: clips that listeners rated for valence and arousal from 1 to 9; no words.

Source: a folder with `ratings.csv` (clip, pianist, piece, valence, arousal) and `clips/<clip>.flac`.
Licence: CC BY 4.0.
Citation: Somebody 2026.
"""

from pathlib import Path

from data_prep.table.audio_files import audio_files
from data_prep.table.own_files import by_id
from data_prep.table.placing import write_corpus
from data_prep.table.rows import number, read_csv
from data_prep.table.screening import screen
from data_prep.table.songs import Song
from research.moods import MOODS, quadrant
from research.tracks import Corpus, TrackTable

CORPUS = Corpus(
    name="piano_mood",
    labels=MOODS,
    citation="Somebody (2026).",
    licence="CC BY 4.0",
    command="python -m data_prep piano_mood --source DIR",
)


def prepare(source: Path, out: Path) -> TrackTable:
    """Write the corpus to `out`.

    Raises:
        FileNotFoundError: no table or no clips.
        ValueError: a rating that is no number from 1 to 9.
    """
    path, clips, songs = source / "ratings.csv", by_id(audio_files(source / "clips")), []
    for line, row in read_csv(path, required=("clip", "pianist", "piece", "valence", "arousal")):
        valence, arousal = ((number(row, axis, f"{path}:{line}") - 5) / 4 for axis in ("valence", "arousal"))
        songs.append(
            Song(
                track_id=row["clip"],
                artist=row["pianist"],
                title=row["piece"],
                mood=quadrant(valence, arousal),
                audio=clips.get(row["clip"]),
            )
        )
    kept, rejected = screen(songs)
    return write_corpus(kept, rejected, CORPUS, out)
