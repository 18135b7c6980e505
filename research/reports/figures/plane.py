"""Songs in Russell's plane, where a model's probabilities put them."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib import rc_context
from matplotlib.figure import Figure

from research.moods import QUADRANTS
from research.reports.calibrated import probabilities
from research.reports.figures.style import COLOURS, GREY, LOOK, MARKERS, panel_grid, share_left_labels
from research.reports.scores import ModelScore

PANEL_INCHES = (3.0, 3.2)
LIMIT = 1.3
"""Room for the moods' names outside the corners."""


def lies_in_plane(score: ModelScore) -> bool:
    """Has each of the model's moods a quadrant of its own?"""
    return set(score.labels) <= set(QUADRANTS)


def plane_positions(score: ModelScore) -> Float[np.ndarray, "songs 2"]:
    """Valence and arousal of each song, -1 to 1: the corners of the moods' quadrants weighted by their probabilities.

    Probabilities are averaged over seeds.

    Raises:
        ValueError: a mood has no quadrant.
    """
    if not lies_in_plane(score):
        raise ValueError(f"moods {list(score.labels)} have no place in the plane; only {sorted(QUADRANTS)} have")
    corners = np.array([QUADRANTS[label] for label in score.labels], dtype=float)  # (labels, 2)
    return probabilities(score).mean(axis=0) @ corners


def valence_arousal(scores: Sequence[ModelScore]) -> Figure:
    """A panel a model, a point a test song, coloured by its true mood."""
    figure, all_axes = panel_grid(len(scores), PANEL_INCHES)
    with rc_context(LOOK):
        for axes, score in zip(all_axes, scores, strict=True):
            axes.axhline(0, color=GREY, lw=0.6)
            axes.axvline(0, color=GREY, lw=0.6)
            position = plane_positions(score)
            for number, label in enumerate(score.labels):
                songs = position[score.targets == number]
                axes.plot(*songs.T, MARKERS[number], color=COLOURS[number], ms=3, mew=0, alpha=0.6, label=label)
                valence, arousal = QUADRANTS[label]
                place = {"ha": "right" if valence > 0 else "left", "va": "top" if arousal > 0 else "bottom"}
                axes.text(valence, arousal * LIMIT, label, color=COLOURS[number], weight="bold", **place)
            axes.set(xlabel="valence", ylabel="arousal", xlim=(-LIMIT, LIMIT), ylim=(-LIMIT, LIMIT), aspect="equal")
            axes.set(xticks=[-1, 0, 1], yticks=[-1, 0, 1])
            axes.set_title(f"{score.marked_name} ({score.protocol})")
        share_left_labels(all_axes)
        handles, labels = all_axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), title="true mood", fontsize=7)
    return figure
