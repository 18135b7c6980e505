"""Score by number of training songs."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from research.reports.figures.intervals import errors
from research.reports.figures.style import COLOURS, GREY, LOOK, MARKERS, legend_below, panel_grid
from research.reports.scores import ModelScore


def data_size_curve(points: Sequence[tuple[float, ModelScore]]) -> Figure:
    """Accuracy and macro-F1 with their intervals, each doubling of the training songs one step wide.

    Args:
        points: training songs of a fold, and the model trained on so many.
    """
    figure, (axes,) = panel_grid(1, (4.2, 3.4))
    sizes = [size for size, _ in points]
    with rc_context(LOOK):
        for place, metric in enumerate(("accuracy", "macro_f1")):
            values = [getattr(score, metric) for _, score in points]
            axes.errorbar(
                [size * (1.02 if place else 0.98) for size in sizes],
                [value.estimate for value in values],
                yerr=errors(values),
                label=metric.replace("_f1", "-F1"),
                color=COLOURS[place],
                marker=MARKERS[place],
                ms=4,
                capsize=2,
            )
        axes.axhline(points[0][1].majority_accuracy, color=GREY, linestyle=":", label="accuracy of the majority")
        axes.set_xscale("log", base=2)
        axes.set_xticks(sizes)
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set(xlabel="training songs", ylabel="score", ylim=(0, 1))
        legend_below(axes, columns=3)
    return figure
