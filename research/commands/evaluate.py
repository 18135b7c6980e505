"""`mood evaluate`: a run scored on any prepared corpus."""

import json
import sys
from argparse import Namespace
from dataclasses import asdict, dataclass

import numpy as np
import torch
from jaxtyping import Int
from tqdm import tqdm

from research.evaluation.calibration import expected_calibration_error
from research.evaluation.statistics import Interval, artist_bootstrap, artist_confusions, wilson_interval
from research.inference import MoodPredictor, Song, load_predictor
from research.inference.held_out import held_out_songs
from research.metrics.moods import (
    confusion_accuracy,
    confusion_balanced_accuracy,
    confusion_macro_f1,
    majority_accuracy,
)
from research.models.precision import forgo_bf16
from research.tracks import TrackTable, read_tracks


@dataclass(frozen=True)
class ClassScore:
    """One mood against all others."""

    precision: float
    recall: float
    f1: float
    songs: int


@dataclass(frozen=True)
class Evaluation:
    """How well a model answers for the songs of a corpus whose mood is known."""

    corpus: str
    synthetic: bool
    songs: int
    which: str
    """All songs, or those the run was not trained on, and what flatters their scores."""
    labels: tuple[str, ...]
    accuracy: Interval
    """With Wilson's 95 % interval."""
    macro_f1: Interval
    """With an interval over resampled artists."""
    balanced_accuracy: float
    majority_accuracy: float
    calibration_error: float
    """Of the calibrated confidence."""
    fits: float
    """Share of songs of which it is said that a mood fits."""
    confusion: tuple[tuple[int, ...], ...]
    """Rows true, columns answered, in the order of `labels`."""
    by_mood: dict[str, ClassScore]
    failed: dict[str, str]
    """Why a song could not be judged, by track_id."""


def run(options: Namespace) -> int:
    """Exit status: 0 all songs judged, 1 some could not be, 2 nothing to score."""
    if options.precise:
        forgo_bf16()
    torch.set_num_threads(1)  # songs are judged beside each other: torch's own threads would get in their way
    try:
        predictor, tracks = load_predictor(options.run), read_tracks(options.tracks)
        found = evaluate(predictor, tracks)
    except (FileNotFoundError, ValueError) as error:
        print(f"mood: {error}", file=sys.stderr)
        return 2
    print(json.dumps(asdict(found), indent=1) if options.json else text(found))
    for track_id, reason in found.failed.items():
        print(f"mood: {track_id}: {reason}", file=sys.stderr)
    return 1 if found.failed else 0


def evaluate(predictor: MoodPredictor, tracks: TrackTable) -> Evaluation:
    """Judge the songs of the table whose mood the model knows, and which it has not learned from.

    Raises:
        ValueError: no such song, or songs of a single artist; or the run is not finished.
    """
    held_out = held_out_songs(predictor, tracks)
    place = {label: number for number, label in enumerate(predictor.labels)}
    rows = [row for row in held_out.rows if tracks.frame["mood"].iloc[row] in place]
    if not rows:
        raise ValueError(
            f"no song of {tracks.corpus.name} that this model has not learned from has a mood it knows "
            f"({', '.join(predictor.labels) or 'none'})"
        )
    songs = (Song(tracks.audio_path(row), tracks.lyrics_text(row)) for row in rows)
    answers = tqdm(predictor.predict_many(songs), total=len(rows), unit="song", disable=None)
    judged, failed = [], {}
    for row, answer in zip(rows, answers, strict=True):
        if isinstance(answer, ValueError):
            failed[tracks.frame["track_id"].iloc[row]] = str(answer)
        else:
            judged.append((row, answer))
    if not judged:
        raise ValueError(f"none of {len(rows)} songs could be judged, first: {next(iter(failed.values()))}")
    artists = tracks.artist_keys
    targets = np.array([place[tracks.frame["mood"].iloc[row]] for row, _ in judged])
    predictions = np.array([place[answer.mood] for _, answer in judged])
    by_artist = artist_confusions(targets, predictions, [artists[row] for row, _ in judged], len(place))
    confusion = by_artist.sum(axis=(0, 1))  # (labels, labels)
    confidence = np.array([answer.confidence for _, answer in judged])
    return Evaluation(
        corpus=tracks.corpus.name,
        synthetic=tracks.corpus.synthetic,
        songs=len(judged),
        which=held_out.which,
        labels=predictor.labels,
        accuracy=wilson_interval(float(confusion_accuracy(confusion)) * len(judged), len(judged)),
        macro_f1=artist_bootstrap(by_artist, confusion_macro_f1),
        balanced_accuracy=float(confusion_balanced_accuracy(confusion)),
        majority_accuracy=majority_accuracy(targets),
        calibration_error=expected_calibration_error(confidence, predictions == targets),
        fits=float(np.mean([answer.fits for _, answer in judged])),
        confusion=tuple(tuple(row) for row in confusion.tolist()),
        by_mood=dict(zip(predictor.labels, class_scores(confusion), strict=True)),
        failed=failed,
    )


def class_scores(confusion: Int[np.ndarray, "labels labels"]) -> list[ClassScore]:
    """Precision, recall and F1 of each label; 0 where nothing was answered so, or nothing is so.

    Args:
        confusion: rows true, columns answered.
    """
    correct, true, answered = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    return [
        ClassScore(
            precision=float(right / max(said, 1)),
            recall=float(right / max(songs, 1)),
            f1=float(2 * right / max(said + songs, 1)),
            songs=int(songs),
        )
        for right, songs, said in zip(correct, true, answered, strict=True)
    ]


def text(found: Evaluation) -> str:
    """The scores for people."""
    invented = " (invented songs)" if found.synthetic else ""
    width = max(map(len, found.labels))

    def interval(name: str, value: Interval) -> str:
        return f"{name} {value.estimate:.3f} [{value.low:.3f}, {value.high:.3f}]"

    lines = [
        f"{found.corpus}{invented}: {found.songs} songs, {found.which}",
        f"{interval('accuracy', found.accuracy)}  {interval('macro-F1', found.macro_f1)}",
        f"balanced accuracy {found.balanced_accuracy:.3f}  majority {found.majority_accuracy:.3f}  "
        f"calibration error {found.calibration_error:.3f}  a mood fits {found.fits:.0%}",
        "",
        f"{'true, answered':>{max(width, 14)}}  "
        + " ".join(f"{label:>{width}}" for label in found.labels)
        + "   precision recall    F1",
    ]
    for label, row in zip(found.labels, found.confusion, strict=True):
        score: ClassScore = found.by_mood[label]
        cells = " ".join(f"{count:>{width}}" for count in row)
        lines.append(f"{label:>{max(width, 14)}}  {cells}   {score.precision:9.3f} {score.recall:6.3f} {score.f1:5.3f}")
    return "\n".join(lines)
