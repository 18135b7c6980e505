"""Learning curves: a score by epoch, one panel per model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib import rc_context
from matplotlib.figure import Figure

from research.reports.figures.style import COLOURS, GREY, LINE_STYLES, LOOK, legend_below, panel_grid, share_left_labels
from research.reports.predictions import read_history
from research.reports.scores import ModelScore

PANEL_INCHES = (3.4, 3.0)
MAX_SEEDS = 6
"""Told apart by colour; of more, the curves share one, for the legend would take the panel's place."""


@dataclass(frozen=True)
class Curve:
    """A score by epoch, the first epoch first."""

    label: str
    """Curves of one label share colour and legend, as the folds of one seed do."""
    values: Sequence[float]
    chosen_epoch: int
    """Counts from 1."""


@dataclass(frozen=True)
class Panel:
    curves: Sequence[Curve]
    levels: Mapping[str, float]
    """Horizontal lines by name, such as the majority's accuracy."""


def learning_curves(panels: Mapping[str, Panel], metric: str) -> Figure:
    """A panel a model, the chosen epoch of each curve marked.

    Args:
        panels: by title.
        metric: what the curves show, for the axis; a share, 0 to 1.
    """
    figure, all_axes = panel_grid(len(panels), PANEL_INCHES)
    with rc_context(LOOK):
        for axes, (title, panel) in zip(all_axes, panels.items(), strict=True):
            labels = list(dict.fromkeys(curve.label for curve in panel.curves))
            named = set()
            for curve in panel.curves:
                number = labels.index(curve.label)
                look = {"color": COLOURS[number % len(COLOURS)], "linestyle": LINE_STYLES[number % len(LINE_STYLES)]}
                label = None if curve.label in named else curve.label
                named.add(curve.label)
                axes.plot(range(1, len(curve.values) + 1), curve.values, label=label, lw=0.9, **look)
                at_best = curve.values[curve.chosen_epoch - 1]
                axes.plot(curve.chosen_epoch, at_best, "o", color=look["color"], ms=4)
            for style, (name, level) in zip((":", "--", "-."), panel.levels.items(), strict=False):
                axes.axhline(level, color=GREY, linestyle=style, label=name, lw=1)
            axes.set(xlabel="epoch", ylabel=metric, ylim=(0, 1))
            axes.set_title(title)
            axes.xaxis.get_major_locator().set_params(integer=True)
            legend_below(axes, columns=2)
        share_left_labels(all_axes)
    return figure


def validation_panels(scores: Sequence[ModelScore]) -> dict[str, Panel]:
    """Accuracy on validation songs of each model that learned in epochs, a curve a run."""
    panels = {}
    for score in scores:
        curves, few = [], len(score.seeds) <= MAX_SEEDS
        for run, (folder, result) in enumerate(zip(score.folders, score.results, strict=True)):
            if history := read_history(folder):
                # Runs are ordered by seed, each seed with as many folds.
                seed = score.seeds[run * len(score.seeds) // len(score.folders)]
                label = f"seed {seed}" if few else f"runs of {len(score.seeds)} seeds"
                curves.append(Curve(label, [row["valid/accuracy"] for row in history], result["best_epoch"]))
        if curves:
            panels[f"{score.name} ({score.protocol})"] = Panel(
                curves, {"majority of the test songs": score.majority_accuracy}
            )
    return panels
