"""Figures of a paper: PDF to print, PNG to look at."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

PANEL_INCHES = (4.2, 3.2)
COLOURS = ("tab:red", "tab:blue", "tab:green", "tab:orange")


@dataclass(frozen=True)
class Curve:
    """A score by epoch, the first epoch first."""

    label: str
    """Curves of one label share colour and legend, as the seeds of one model do."""
    values: Sequence[float]
    chosen_epoch: int
    """Counts from 1."""


@dataclass(frozen=True)
class Panel:
    curves: Sequence[Curve]
    levels: Mapping[str, float]
    """Horizontal lines by name, such as the majority's accuracy."""


def learning_curves(panels: Mapping[str, Panel], metric: str, folder: Path) -> None:
    """Write `learning_curves.pdf` and `.png`: a panel a model, the chosen epoch of each curve marked.

    Args:
        panels: by title.
        metric: what the curves show, for the axis.
    """
    width, height = PANEL_INCHES
    figure = Figure(figsize=(width * len(panels), height), layout="constrained")
    for axes, (title, panel) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        colour = dict(zip(dict.fromkeys(curve.label for curve in panel.curves), COLOURS, strict=False))
        named = set()
        for curve in panel.curves:
            label = None if curve.label in named else curve.label
            named.add(curve.label)
            axes.plot(range(1, len(curve.values) + 1), curve.values, color=colour[curve.label], label=label, lw=1)
            axes.plot(curve.chosen_epoch, curve.values[curve.chosen_epoch - 1], "o", color=colour[curve.label], ms=5)
        for style, (name, level) in zip((":", "--", "-."), panel.levels.items(), strict=False):
            axes.axhline(level, color="grey", linestyle=style, label=name, lw=1)
        axes.set(xlabel="epoch", ylabel=metric, ylim=(0, 1))
        axes.set_title(title, fontsize="medium")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(fontsize="x-small")
    folder.mkdir(parents=True, exist_ok=True)
    for suffix in ("pdf", "png"):
        partial = folder / f"learning_curves.part.{suffix}"
        figure.savefig(partial, dpi=150)
        os.replace(partial, folder / f"learning_curves.{suffix}")
