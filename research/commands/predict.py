"""`mood predict`: songs and folders of songs to answers, as text, JSON, CSV or a picture of the mood over time."""

import csv
import json
import sys
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import torch
from tqdm import tqdm

from research.features.files import AUDIO_SUFFIXES
from research.inference import MoodPrediction, MoodPredictor, Song, load_predictor
from research.models.precision import forgo_bf16

WORDS_SUFFIXES = (".lrc", ".txt")
"""Suffixes of a lyrics file beside an audio file; those with line times first."""


def run(options: Namespace) -> int:
    """Exit status: 0 all done, 1 some songs not judged, or only partly, 2 wrong usage, no songs or no model."""
    if options.precise:
        forgo_bf16()
    try:
        songs = find_songs(options.songs)
        if len(songs) > 1 and (options.lyrics or options.curve):
            asked = "--lyrics" if options.lyrics else "--curve"
            raise ValueError(f"{asked} goes with a single song, but there are {len(songs)}")
        lyrics = read_words(options.lyrics) if options.lyrics else None
        predictor = load_predictor(options.run)
    except (FileNotFoundError, ValueError) as error:
        print(f"mood: {error}", file=sys.stderr)
        return 2
    print(f"model {options.run}, trained on {predictor.trained_on}", file=sys.stderr)
    # Songs, and both modalities of one, are judged in parallel: torch's own threads would get in their way.
    torch.set_num_threads(1)
    failed, partly = _judge(predictor, songs, lyrics, options)
    for told in (*failed, *partly):
        print(f"mood: {told}", file=sys.stderr)
    if (failed or partly) and len(songs) > 1:
        alone = f", {len(partly)} of them by audio alone" if partly else ""
        print(f"mood: {len(songs) - len(failed)} of {len(songs)} songs judged{alone}", file=sys.stderr)
    return 1 if failed or partly else 0


def find_songs(paths: Sequence[Path]) -> list[Path]:
    """The named files, and all audio files at any depth of the named folders but hidden ones, in order.

    Raises:
        ValueError: a folder without any.
    """
    songs = []
    for path in paths:
        if not path.is_dir():
            songs.append(path)
            continue
        inside = sorted(file for file in path.rglob("*") if _is_song(file, path))
        if not inside:
            raise ValueError(f"{path} contains no audio file ({' '.join(sorted(AUDIO_SUFFIXES))})")
        songs += inside
    return songs


def _is_song(file: Path, folder: Path) -> bool:
    # "._song.mp3" is what macOS leaves beside song.mp3 on other disks.
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.suffix.lower() in AUDIO_SUFFIXES and not hidden and file.is_file()


def words_beside(song: Path) -> Path | None:
    """The text file beside a song with the same name, if there is one."""
    beside = (song.with_suffix(suffix) for suffix in WORDS_SUFFIXES)
    return next((file for file in beside if file.is_file()), None)


def read_words(file: Path) -> str:
    """The content of a lyrics file.

    Raises:
        ValueError: it does not exist, or is not UTF-8 text.
    """
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text ({error}); save it as UTF-8") from error
    except OSError as error:
        raise ValueError(f"{file} cannot be read ({error.strerror}); give a text file with the lyrics") from error


class Text:
    """One line of text per song."""

    def __init__(self, out: TextIO):
        self._out = out

    def __call__(self, song: Path, answer: MoodPrediction) -> None:
        shares = "  ".join(f"{label} {share:.2f}" for label, share in answer.probabilities.items())
        doubt = "" if answer.fits or not answer.mood else "(no mood fits)"
        said = [answer.mood or "", doubt, f"by {answer.moved_by}", shares]
        if answer.tags:
            said.append("tags: " + (", ".join(answer.given_tags) or "none"))
        if answer.language not in (None, "en"):
            said.append(f"lyrics in {answer.language!r}")
        print(f"{song}:", "  ".join(part for part in said if part), file=self._out, flush=True)


class JsonLines:
    """One JSON object per line, with everything."""

    def __init__(self, out: TextIO):
        self._out = out

    def __call__(self, song: Path, answer: MoodPrediction) -> None:
        print(json.dumps({"song": str(song), **answer.to_json()}), file=self._out, flush=True)


class Csv:
    """One row per song, without the mood over time."""

    def __init__(self, out: TextIO, moods: Sequence[str], tags: Sequence[str]):
        self._out, self._table = out, csv.writer(out, lineterminator="\n")
        # A tag may have a mood's name.
        known = (*moods, *(f"tag:{tag}" for tag in tags))
        self._table.writerow(
            ["song", "mood", "confidence", "fits", *known, "valence", "arousal", "audio", "lyrics", "language"]
        )

    def __call__(self, song: Path, answer: MoodPrediction) -> None:
        shares = [f"{share:.4f}" for share in (*answer.probabilities.values(), *answer.tags.values())]
        place = ["", ""] if answer.position is None else [f"{axis:.4f}" for axis in answer.position]
        sides = [f"{answer.shares.get(side, 0):.4f}" for side in ("audio", "lyrics")]
        told = [song, answer.mood or "", f"{answer.confidence:.4f}", answer.fits, *shares, *place, *sides]
        self._table.writerow([*told, answer.language or ""])
        self._out.flush()


def _judge(
    predictor: MoodPredictor, songs: Sequence[Path], lyrics: str | None, options: Namespace
) -> tuple[list[str], list[str]]:
    """Write all answers; returns why songs could not be judged, and why others only partly."""
    failed, partly = [], []
    unread: dict[Path, ValueError] = {}
    write = _writer(options, predictor)
    found = predictor.predict_many(_read(songs, lyrics, unread))
    for song, answer in zip(_shown(songs), found, strict=True):
        if isinstance(answer, ValueError):
            told = f"{answer}; {unread[song]}" if song in unread else str(answer)
            failed.append(told if str(song) in told else f"{song}: {told}")
            continue
        write(song, answer)
        if song in unread:
            partly.append(f"{unread[song]}; {song} is judged by audio alone")
        if options.curve:
            from research.commands.curve import save_curve  # half a second of matplotlib

            try:
                save_curve(answer, song.name, options.curve)
            except (OSError, ValueError) as error:
                partly.append(f"{options.curve} is not drawn: {error}")
    return failed, partly


def _writer(options: Namespace, predictor: MoodPredictor) -> Text | JsonLines | Csv:
    if options.csv:
        return Csv(sys.stdout, predictor.labels, predictor.tags)
    return JsonLines(sys.stdout) if options.json else Text(sys.stdout)


def _read(songs: Sequence[Path], lyrics: str | None, unread: dict[Path, ValueError]) -> Iterator[Song]:
    """Songs with the given lyrics, or with those beside each; if these cannot be read, `unread` says why."""
    for path in songs:
        words = lyrics
        if words is None and (file := words_beside(path)):
            try:
                words = read_words(file)
            except ValueError as error:
                unread[path] = error
        yield Song(path, words)


def _shown(songs: Sequence[Path]) -> Iterator[Path]:
    # Nothing is drawn for a single song, nor where nobody looks.
    return iter(tqdm(songs, unit="song", file=sys.stderr, disable=True if len(songs) == 1 else None))
