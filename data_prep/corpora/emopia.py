"""EMOPIA: 1,087 clips of pop piano in the four quadrants of Russell's plane, as MIDI that is rendered here.

What: clips of about 30 to 40 s of 387 performances, transcribed to MIDI. No lyrics.
Labels: `mood` is the quadrant (4Q: 1 happy, 2 angry, 3 sad, 4 relaxed), by four listeners. The artist is the
performance that a clip is from (its video's id), so that a split by artist keeps a performance together.
Split: `train.csv`, `val.csv` and `test.csv` of the authors' own code.
Source: the unpacked archive of https://zenodo.org/records/5257995 (version 2.2: `label.csv` with ID, 4Q, annotator, and
`midis/<ID>.mid`), and in it a folder `split` with the three tables (fname, label) of `dataset/split` from
https://github.com/seungheondoh/EMOPIA_cls.
Audio: an audio file `<ID>.mp3` (or similar) anywhere in the folder is used as it is. Other clips are rendered by
FluidSynth with a General MIDI sound font into `<out>/audio`; `apt install fluidsynth fluid-soundfont-gm` installs both,
and `--soundfont` names another. A clip that was rendered before is not rendered again.
Licence: CC BY-NC-SA 4.0 as the authors' code says; the recordings belong to their owners.
Citation: Hung, Ching, Doh, Kim, Nam & Yang 2021, "EMOPIA: a multi-modal pop piano dataset for emotion recognition and
emotion-based music generation", ISMIR.
Known faults: rendered from MIDI, all clips have one timbre, so scores are not those of the recordings. Clips outside
the three tables have no split.
"""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from data_prep.table.audio_files import audio_files
from data_prep.table.own_files import by_id
from data_prep.table.placing import write_corpus
from data_prep.table.rows import read_csv
from data_prep.table.screening import artists_across, screen
from data_prep.table.songs import UNFIT_ID, Song, is_file_name
from research.atomic import replacing
from research.moods import MOODS, NUMBERED_QUADRANTS
from research.tracks import Corpus, TrackTable

CORPUS = Corpus(
    name="emopia",
    labels=MOODS,
    citation="Hung, H.-T., Ching, J., Doh, S., Kim, N., Nam, J. & Yang, Y.-H. (2021). EMOPIA: a multi-modal pop piano "
    "dataset for emotion recognition and emotion-based music generation. ISMIR.",
    licence="CC BY-NC-SA 4.0",
    command="python -m data_prep emopia --source DIR",
)
PARTS = {"train": "train", "val": "valid", "test": "test"}
SAMPLE_RATE = 44_100


def prepare(source: Path, out: Path, *, soundfont: Path) -> TrackTable:
    """Write the corpus to `out`.

    Args:
        soundfont: instruments to play the MIDI with.

    Raises:
        FileNotFoundError: a table, a MIDI file, FluidSynth or the sound font is missing.
        ValueError: a label that is no quadrant, or FluidSynth could not play a file.
    """
    path = source / "label.csv"
    rows = read_csv(path, required=("id", "4q"))
    splits = _splits(source / "split")
    recordings = by_id(file for file in audio_files(source) if not file.is_relative_to(out))
    songs = [_song(row, splits, recordings, f"{path}:{line}") for line, row in rows]
    kept, rejected = screen(_played(songs, source / "midis", out / "audio", soundfont))
    return write_corpus(kept, rejected, replace(CORPUS, artists_cross_splits=bool(artists_across(kept))), out)


def _splits(folder: Path) -> dict[str, str]:
    return {
        row["fname"]: split
        for part, split in PARTS.items()
        for _, row in read_csv(folder / f"{part}.csv", required=("fname",))
    }


def _song(row: dict[str, str], splits: dict[str, str], recordings: dict[str, Path], place: str) -> Song:
    mood = NUMBERED_QUADRANTS.get(f"Q{row['4q']}")
    if mood is None:
        raise ValueError(f"{place}: 4Q {row['4q']!r} is none of 1-4; the table is not that of EMOPIA")
    clip = row["id"]
    if not is_file_name(clip):
        raise ValueError(f"{place}: {UNFIT_ID}: {clip!r}; the table is not that of EMOPIA")
    # Q1_0vLPYiPN7qY_3 is the third clip of the video 0vLPYiPN7qY, whose id may hold underscores itself.
    video = clip.partition("_")[2].rpartition("_")[0]
    return Song(
        track_id=clip,
        artist=video,
        mood=mood,
        split=splits.get(clip),
        audio=recordings.get(clip),
    )


def _played(songs: list[Song], midis: Path, folder: Path, soundfont: Path) -> Iterator[Song]:
    """The songs, each with sound: its recording or its MIDI as played."""
    silent = [song for song in songs if song.audio is None]
    if silent:
        _check_player(soundfont)
        folder.mkdir(parents=True, exist_ok=True)
    for song in tqdm(silent, desc="playing", unit="clip", disable=None):
        play(midis / f"{song.track_id}.mid", folder / f"{song.track_id}.flac", soundfont)
    for song in songs:
        yield song if song.audio else replace(song, audio=folder / f"{song.track_id}.flac")


def play(midi: Path, target: Path, soundfont: Path) -> None:
    """Play a MIDI file into a FLAC file, if that is not there yet.

    Raises:
        FileNotFoundError: no such MIDI file.
        ValueError: FluidSynth says why it could not.
    """
    if target.is_file():
        return
    if not midi.is_file():
        raise FileNotFoundError(f"{midi} does not exist; unpack the whole archive and name its folder")
    with replacing(target) as partial:
        render = ["-T", "flac", "-r", str(SAMPLE_RATE), "-F", str(partial)]
        command = ["fluidsynth", "--no-midi-in", "--no-shell", "--quiet", *render, str(soundfont), str(midi)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        if said.returncode or not partial.is_file():
            raise ValueError(f"{midi}: fluidsynth could not play it: {said.stderr.strip()[-300:]}")


def _check_player(soundfont: Path) -> None:
    if shutil.which("fluidsynth") is None:
        raise FileNotFoundError(
            "the program fluidsynth does not exist here; it plays the MIDI files: "
            "apt install fluidsynth fluid-soundfont-gm (or brew install fluid-synth)"
        )
    if not soundfont.is_file():
        raise FileNotFoundError(
            f"{soundfont} does not exist; apt install fluid-soundfont-gm, or name a sound font by --soundfont"
        )
