"""Confusion matrices side by side."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure

from research.reports.figures.style import LOOK, panel_grid, share_left_labels
from research.reports.scores import ModelScore

INCHES_PER_LABEL = 0.52
MARGIN_INCHES = 1.1
DARK = 0.55
"""Shares above it are written in white."""


def confusion_matrices(scores: Sequence[ModelScore]) -> Figure:
    """A panel a model: rows true, columns predicted; shade is the share of the row, the number counts songs.

    Songs are summed over seeds.
    """
    side = MARGIN_INCHES + INCHES_PER_LABEL * len(scores[0].labels)
    figure, all_axes = panel_grid(len(scores), (side, side))
    with rc_context(LOOK):
        for axes, score in zip(all_axes, scores, strict=True):
            shares = score.confusion / score.confusion.sum(axis=1, keepdims=True).clip(min=1)
            image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
            for row, counts in enumerate(score.confusion):
                for column, count in enumerate(counts):
                    colour = "white" if shares[row, column] > DARK else "black"
                    axes.text(column, row, f"{count:,}", ha="center", va="center", color=colour)
            places = range(len(score.labels))
            axes.set_xticks(places, score.labels, rotation=40, ha="right", rotation_mode="anchor")
            axes.set_yticks(places, score.labels)
            axes.set(xlabel="predicted mood", ylabel="true mood")
            axes.set_title(f"{score.marked_name} ({score.protocol})")
        share_left_labels(all_axes)
        figure.colorbar(image, ax=all_axes, label="share of the true mood's songs", shrink=0.8)
    return figure
