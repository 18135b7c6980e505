"""The mood of a song over time as a picture."""

from pathlib import Path

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
    seconds, shares = answer.drawn_curve()
    labels = list(answer.probabilities)
    figure = Figure(figsize=INCHES, layout="constrained")
    axes = figure.subplots()
    axes.stackplot(seconds, shares.T, labels=labels, colors=[COLOURS[at % len(COLOURS)] for at in range(len(labels))])
    axes.set(xlim=(0, answer.duration_s), ylim=(0, 1), xlabel="seconds", ylabel="probability", title=title)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False, reverse=True)
    return figure
