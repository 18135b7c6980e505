"""Scores with their intervals, and a forest plot of paired differences."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from research.evaluation.statistics import Interval
from research.reports.comparisons import Comparison
from research.reports.figures.style import COLOURS, GREY, LOOK, MAX_COLUMNS, panel_grid
from research.reports.scores import ACCURACY, METRICS, ModelScore

WIDTH_INCHES = 3.6
ROW_INCHES = 0.27
MARGIN_INCHES = 0.8


def score_bars(scores: Sequence[ModelScore]) -> Figure:
    """A bar a model with its 95 % interval, a panel a metric; the majority's accuracy as a line."""
    figure, panels = panel_grid(len(METRICS), (WIDTH_INCHES, MARGIN_INCHES + ROW_INCHES * len(scores)))
    several = len({score.protocol for score in scores}) > 1
    with rc_context(LOOK):
        for axes, (name, metric) in zip(panels, METRICS.items(), strict=True):
            values = [score.metrics[name] for score in scores]
            places = _rows(axes, [score.marked_name + (f", {score.protocol}" if several else "") for score in scores])
            axes.barh(places, [value.estimate for value in values], height=0.62, color=COLOURS[5])
            axes.errorbar(
                [value.estimate for value in values], places, xerr=errors(values), fmt="none", color="black", capsize=2
            )
            lowest = min(0.0, *(value.low for value in values))  # kappa and its like may be below zero
            axes.set(xlabel=f"{metric.title} (95 % interval)", xlim=(lowest, 1))
            if name == ACCURACY:
                for level in {score.majority_accuracy for score in scores}:
                    line = axes.axvline(level, color=COLOURS[1], linestyle="--", lw=1)
                line.set_label("always the most frequent mood")
                axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0))
        _name_rows_once(panels)
    return figure


def forest_plot(comparisons: Sequence[Comparison]) -> Figure:
    """Paired differences in points with 95 % intervals; filled where Holm-adjusted p < .05."""
    figure, panels = panel_grid(len(METRICS), (WIDTH_INCHES, MARGIN_INCHES + ROW_INCHES * len(comparisons)))
    several = len({found.model.protocol for found in comparisons}) > 1
    names = [
        f"{found.model.marked_name} \N{MINUS SIGN} {found.reference.name}"
        + (f", {found.model.protocol}" if several else "")
        for found in comparisons
    ]
    with rc_context(LOOK):
        for axes, (name, metric) in zip(panels, METRICS.items(), strict=True):
            found = [comparison.metrics[name] for comparison in comparisons]
            places = _rows(axes, names)
            values = [_points(difference.interval) for difference in found]
            axes.axvline(0, color=GREY, lw=1)
            for place, value, difference in zip(places, values, found, strict=True):
                axes.errorbar(
                    value.estimate,
                    place,
                    xerr=errors([value]),
                    fmt="o",
                    ms=5,
                    color=COLOURS[0],
                    mfc=COLOURS[0] if difference.significant else "white",
                    capsize=2,
                )
            axes.set(xlabel=f"difference in {metric.title}, points (95 % interval)")
        _name_rows_once(panels)
    return figure


def _rows(axes: Axes, names: Sequence[str]) -> np.ndarray:
    """Places from top to bottom, named."""
    places = np.arange(len(names))
    axes.set_yticks(places, names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    return places


def _name_rows_once(panels: Sequence[Axes]) -> None:
    for number, axes in enumerate(panels):
        if number % MAX_COLUMNS:
            axes.set_yticklabels([])


def errors(values: Sequence[Interval]) -> np.ndarray:
    """Lengths below and above the estimates, (2, values)."""
    # Percentiles of resamples may lie on one side of the estimate in a tiny corpus.
    lengths = [[value.estimate - value.low, value.high - value.estimate] for value in values]
    return np.array(lengths).T.clip(min=0)


def _points(value: Interval) -> Interval:
    return Interval(100 * value.estimate, 100 * value.low, 100 * value.high)
