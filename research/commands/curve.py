"""The mood of a song over time as a picture."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from research.atomic import replacing
from research.inference import MoodPrediction
from research.moods import COLOURS

INCHES = (9.0, 3.0)


def save_curve(answer: MoodPrediction, title: str, path: Path) -> None:
    """Write the picture, in the format of the file's suffix.

    Raises:
        OSError: it cannot be written there.
        ValueError: there is no sound to draw, or no such format.
    """
    figure = draw_curve(answer, title)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=150, format=path.suffix.removeprefix("."))


def draw_curve(answer: MoodPrediction, title: str) -> Figure:
    """Probabilities of all moods, stacked to 1, over the seconds of the song.

    Raises:
        ValueError: the answer has no curve.
    """
    if not answer.curve:
        raise ValueError("there is no mood over time without sound, or without moods; give a sound file")
    labels = list(answer.probabilities)
    shares = np.array([list(moment.probabilities.values()) for moment in answer.curve])  # (moments, labels)
    edges = [0.0, *((moment.start_s + moment.end_s) / 2 for moment in answer.curve), answer.duration_s]
    shares = np.concatenate([shares[:1], shares, shares[-1:]])
    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.subplots()
    axes.stackplot(edges, shares.T, labels=labels, colors=[COLOURS[at % len(COLOURS)] for at in range(len(labels))])
    axes.set(xlim=(0, answer.duration_s), ylim=(0, 1), xlabel="seconds", ylabel="probability", title=title)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, reverse=True)
    return figure
