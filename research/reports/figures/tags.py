"""How well single tags are predicted: precision against recall of the best, the middle and the worst."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from matplotlib import rc_context
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve

from research.metrics.tags import chance_pr_auc
from research.reports.figures.style import COLOURS, GREY, LINE_STYLES, LOOK, panel_grid
from research.reports.formats import share

PANEL_INCHES = (5.6, 3.4)
OF_EACH = 2
"""Tags shown of the best, the middling, the worst."""
RECALLS = np.linspace(0, 1, 101)


def tag_curves(
    tags: Sequence[str],
    truth: Float[np.ndarray, "songs tags"],
    logits: Float[np.ndarray, "seeds songs tags"],
    areas: Float[np.ndarray, " tags"],
) -> Figure:
    """A curve a tag, means over seeds, beside the mean over all tags and that of songs in random order.

    Args:
        truth: 1 or 0.
        areas: area under each tag's curve, NaN where it has no test song; by it tags are ordered.

    Raises:
        ValueError: no tag has a test song.
    """
    known = np.flatnonzero(~np.isnan(areas))
    if not len(known):
        raise ValueError("no tag has a test song; test on songs that somebody has tagged")
    curves = {tag: _precision(truth[:, tag], logits[:, :, tag]) for tag in known.tolist()}
    figure, (axes,) = panel_grid(1, PANEL_INCHES)
    with rc_context(LOOK):
        for number, (place, tag) in enumerate(_shown(known[np.argsort(-areas[known])])):
            axes.plot(
                RECALLS,
                curves[tag],
                color=COLOURS[place],
                linestyle=LINE_STYLES[number % OF_EACH],
                label=f"{tags[tag]} ({truth[:, tag].sum():.0f} songs), {share(areas[tag])}",
            )
        mean = np.mean(list(curves.values()), axis=0)
        axes.plot(
            RECALLS, mean, color="black", lw=2, label=f"mean of {len(known)} tags, {share(np.mean(areas[known]))}"
        )
        # The area is a little more than the line's height, and the number that stands in the tables.
        area = float(chance_pr_auc(truth[:, known]).mean())
        axes.axhline(truth[:, known].mean(), color=GREY, linestyle=":", label=f"random order, {share(area)}")
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
        figure.legend(loc="outside right center", title="tag, area under its curve", fontsize=7)
    return figure


def _shown(best_first: Int[np.ndarray, " tags"]) -> list[tuple[int, int]]:
    """Some of the best, the middling and the worst tags, each once, with the number of their group."""
    middle = max(0, len(best_first) // 2 - OF_EACH // 2)
    groups = (best_first[:OF_EACH], best_first[middle : middle + OF_EACH], best_first[-OF_EACH:])
    chosen: dict[int, int] = {}
    for group, tags in enumerate(groups):
        for tag in tags.tolist():
            chosen.setdefault(tag, group)
    return [(group, tag) for tag, group in sorted(chosen.items(), key=lambda item: item[1])]


def _precision(truth: np.ndarray, logits: Float[np.ndarray, "seeds songs"]) -> Float[np.ndarray, " recalls"]:
    """At each recall that of the first threshold to reach it: between two thresholds there is nothing."""
    found = []
    for seed in logits:
        precision, recall, _ = precision_recall_curve(truth, seed)
        found.append(precision[::-1][np.searchsorted(recall[::-1], RECALLS - 1e-9)])
    return np.mean(found, axis=0)
