"""Common style of all figures, colour-blind safe colours, and the two files each figure is written to."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from research.atomic import replacing

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#7F7F7F")
"""Source: Okabe & Ito 2008, "Color universal design", without its yellow, which fades on white paper; then grey."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
"""Colour is never the only difference."""
LINE_STYLES = ("-", "--", "-.", ":")
GREY = "#7F7F7F"
MAX_PANELS = 6
MAX_COLUMNS = 3
LOOK = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.2,
    "pdf.fonttype": 42,  # text stays text: journals refuse Type 3 fonts
}
PNG_DPI = 150


def panel_grid(n: int, panel_inches: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """A figure of n panels in rows of `MAX_COLUMNS`; axes in reading order."""
    columns = min(n, MAX_COLUMNS)
    rows = math.ceil(n / columns)
    with rc_context(LOOK):
        width, height = panel_inches
        figure = Figure(figsize=(width * columns, height * rows), layout="constrained")
        figure.get_layout_engine().set(hspace=0.06)
        axes = figure.subplots(rows, columns, squeeze=False).ravel().tolist()
    for unused in axes[n:]:
        unused.remove()
    return figure, axes[:n]


def share_left_labels(all_axes: Sequence[Axes]) -> None:
    """Leave the vertical axis' name and numbers to the first panel of each row; all panels have the same."""
    for number, axes in enumerate(all_axes):
        if number % MAX_COLUMNS:
            axes.set_ylabel("")
            axes.tick_params(labelleft=False)


def legend_below(axes: Axes, columns: int = 1) -> None:
    """A legend under the panel, where no curve can run through it."""
    # Closer than matplotlib's own, or the legends of two panels of five moods run into each other.
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, -0.2),
        ncols=columns,
        columnspacing=1.2,
        handlelength=1.6,
        handletextpad=0.5,
    )


def save_figure(figure: Figure, folder: Path, name: str) -> None:
    """Write `name.pdf` and `name.png` into a folder, each whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    with rc_context(LOOK):
        # Laid out for both files at once, as it takes longer than the drawing; twice where a panel is of fixed aspect,
        # which finds its place only once its neighbours have theirs.
        fixed = any(axes.get_aspect() != "auto" for axes in figure.axes)
        for _ in range(1 + fixed):
            figure.get_layout_engine().execute(figure)
        figure.set_layout_engine("none")
        for suffix in ("pdf", "png"):
            with replacing(folder / f"{name}.{suffix}") as partial:
                figure.savefig(partial, format=suffix, dpi=PNG_DPI)
