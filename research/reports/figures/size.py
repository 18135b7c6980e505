"""Score by number of training songs."""

from collections.abc import Sequence

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, ScalarFormatter

from research.reports.figures.intervals import errors
from research.reports.figures.style import COLOURS, GREY, LOOK, MARKERS, legend_below, panel_grid
from research.reports.scores import METRICS, ModelScore


def data_size_curve(points: Sequence[tuple[float, ModelScore]]) -> Figure:
    """Each metric with its intervals, each doubling of the training songs one step wide.

    Args:
        points: training songs of a fold, and the model trained on so many.
    """
    figure, (axes,) = panel_grid(1, (4.2, 3.4))
    sizes = [size for size, _ in points]
    with rc_context(LOOK):
        for place, (name, metric) in enumerate(METRICS.items()):
            values = [score.metrics[name] for _, score in points]
            beside = 1.04 ** (place - (len(METRICS) - 1) / 2)
            axes.errorbar(
                [size * beside for size in sizes],
                [value.estimate for value in values],
                yerr=errors(values),
                label=metric.title,
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
