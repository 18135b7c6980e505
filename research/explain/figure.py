"""One page per song: spectrogram and lyrics, coloured by what they add, and the probabilities."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.cm import ScalarMappable
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from research.atomic import replacing
from research.explain.explainer import Explanation
from research.explain.words import Word

COLOURS = colormaps["RdBu_r"]
"""Red speaks for the label, blue against it."""
SMOOTH = (12, 4)
"""Standard deviations over frames and bands: single cells say nothing to an eye."""
BRIGHTEST = 99.5
"""Percentile of a map that gets the full colour."""
STRONGEST = 0.75
"""Opacity of the full colour over the spectrogram."""
LETTERS, COLUMNS, MOST_ROWS, FONT = 52, 2, 40, 7.0
"""Of the words: letters a row, columns, rows in each, points."""
SHOWN_TAGS = 8
INCHES = {"sound": 2.6, "row": 0.145, "width": 9.0, "bar": 0.22, "margin": 0.9}


def check_picture(path: Path) -> None:
    """See that a picture can be written there, before a minute is spent on what it shows.

    Raises:
        ValueError: its suffix names no format, or its folder does not exist.
    """
    if path.suffix.removeprefix(".") not in FigureCanvasBase.get_supported_filetypes():
        raise ValueError(f"{path} ends in no picture format; use .png, .pdf or .svg")
    if not path.parent.is_dir():
        raise ValueError(f"the folder of {path} does not exist; create it")


def save_explanation(found: Explanation, probabilities: Mapping[str, float], title: str, path: Path) -> None:
    """Write the page, in the format of the file's suffix.

    Raises:
        ValueError: no such format.
    """
    with replacing(path) as partial:
        draw_explanation(found, probabilities, title).savefig(partial, format=path.suffix.removeprefix("."), dpi=150)


def draw_explanation(found: Explanation, probabilities: Mapping[str, float], title: str) -> Figure:
    """The page of a song.

    Args:
        probabilities: of the moods, or of the tags where the model knows tags alone; the most likely are shown.
    """
    shown = sorted(probabilities, key=probabilities.__getitem__, reverse=True)[:SHOWN_TAGS]
    rows = list(_rows(found.words))
    n_rows = min(MOST_ROWS, -(-len(rows) // COLUMNS))
    heights = [
        *([INCHES["sound"]] if found.sound is not None else []),
        *([INCHES["row"] * n_rows + INCHES["margin"]] if rows else []),
        INCHES["bar"] * len(shown) + INCHES["margin"],
    ]
    figure = Figure(figsize=(INCHES["width"], sum(heights) + 0.4), layout="constrained")
    panels = list(figure.subplots(len(heights), 1, height_ratios=heights, squeeze=False).ravel())
    figure.suptitle(title, parse_math=False)
    if found.sound is not None:
        _draw_sound(panels.pop(0), found)
    if rows:
        _draw_words(panels.pop(0), rows, n_rows)
    _draw_probabilities(panels.pop(0), found, {name: probabilities[name] for name in reversed(shown)})
    return figure


def _draw_sound(axes: Axes, found: Explanation) -> None:
    plane = gaussian_filter(found.sound, SMOOTH)
    scale = float(np.percentile(np.abs(plane), BRIGHTEST)) or 1.0
    frames, bands = plane.shape
    place = {"origin": "lower", "aspect": "auto", "extent": (0, frames * found.frame_s, 0, bands)}
    axes.imshow(found.spectrogram.T, cmap="gray", **place)
    pixels = COLOURS(TwoSlopeNorm(0, -scale, scale)(plane.T))
    pixels[..., 3] = np.clip(np.abs(plane.T) / scale, 0, 1) * STRONGEST
    axes.imshow(pixels, **place)
    marks = [at for at in (250, 500, 1_000, 2_000, 4_000, 8_000) if at < found.band_hz[-1]]
    axes.set_yticks(np.interp(marks, found.band_hz, np.arange(bands) + 0.5), [f"{mark:,}" for mark in marks])
    total = found.sound.sum()
    extra = "".join(f", {name} {value:+.2f}" for name, value in found.unplaced.items())
    axes.set_title(f"audio: {total:+.2f} to the log-odds of {found.label}{extra}", fontsize=9, loc="left")
    axes.set(xlabel="seconds", ylabel="frequency, Hz")
    bar = axes.figure.colorbar(ScalarMappable(TwoSlopeNorm(0, -1, 1), COLOURS), ax=axes, ticks=[-1, 0, 1], pad=0.01)
    bar.ax.set_yticklabels(["against", "", "for"])


def _draw_words(axes: Axes, rows: Sequence[Sequence[Word]], n_rows: int) -> None:
    weights = np.array([word.weight for row in rows for word in row])
    scale = float(np.abs(weights).max()) or 1.0
    colour = TwoSlopeNorm(0, -scale, scale)
    for at, row in enumerate(rows[: n_rows * COLUMNS]):
        column, letter = at // n_rows * (LETTERS + 3), 0
        for word in row:
            face = COLOURS(colour(word.weight))
            dark = np.dot(face[:3], (0.299, 0.587, 0.114)) < 0.5
            axes.text(
                column + letter,
                at % n_rows,
                word.text[:LETTERS],
                family="monospace",
                fontsize=FONT,
                va="center",
                color="white" if dark else "black",
                bbox={"facecolor": face, "edgecolor": "none", "pad": 0.8},
                parse_math=False,
            )
            letter += len(word.text) + 1
    axes.set(xlim=(0, COLUMNS * (LETTERS + 3)), ylim=(n_rows, -1))
    axes.axis("off")
    cut = f"; the first {n_rows * COLUMNS} of {len(rows)} rows" if len(rows) > n_rows * COLUMNS else ""
    axes.set_title(f"lyrics: {weights.sum():+.2f}, strongest {scale:.2f}{cut}", fontsize=9, loc="left")


def _draw_probabilities(axes: Axes, found: Explanation, probabilities: Mapping[str, float]) -> None:
    colours = ["#444444" if name == found.label else "#BBBBBB" for name in probabilities]
    bars = axes.barh(list(probabilities), list(probabilities.values()), color=colours)
    axes.bar_label(bars, fmt="%.2f", padding=3, fontsize=8)
    axes.set(xlim=(0, 1.08), xlabel="probability", xticks=[0, 0.25, 0.5, 0.75, 1])
    axes.spines[["top", "right"]].set_visible(False)


def _rows(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Lines of the song, each in as many rows as it takes."""
    for _, line in groupby(words, key=lambda word: word.line):
        row, letters = [], 0
        for word in line:
            if row and letters + len(word.text) > LETTERS:
                yield row
                row, letters = [], 0
            row.append(word)
            letters += len(word.text) + 1
        yield row
