"""Quality of a model's probabilities: reliability, abstention, precision and recall of each mood."""

from collections.abc import Sequence

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from sklearn.metrics import average_precision_score, precision_recall_curve

from research.evaluation.calibration import expected_calibration_error, reliability, risk_coverage
from research.reports.calibrated import confidences, correct_answers, has_temperature, probabilities
from research.reports.figures.style import (
    COLOURS,
    GREY,
    LINE_STYLES,
    LOOK,
    MARKERS,
    legend_below,
    panel_grid,
    share_left_labels,
)
from research.reports.formats import share
from research.reports.scores import ModelScore

PANEL_INCHES = (2.9, 3.2)
COVERAGE_INCHES = (4.4, 3.4)
LEAST_COVERAGE = 0.05
"""Below, the curve rests on a handful of songs and jumps."""


def reliability_diagrams(scores: Sequence[ModelScore]) -> Figure:
    """A panel a model: claimed against true accuracy in bins of equally many songs, all seeds together."""
    figure, all_axes = panel_grid(len(scores), PANEL_INCHES)
    with rc_context(LOOK):
        for axes, score in zip(all_axes, scores, strict=True):
            axes.plot([0, 1], [0, 1], color=GREY, lw=1, linestyle=":")
            readings = [("as trained", False), ("with temperature", True)][: 1 + has_temperature(score)]
            for number, (name, scaled) in enumerate(readings):
                confidence, correct = confidences(score, scaled).ravel(), correct_answers(score).ravel()
                found = reliability(confidence, correct)
                label = f"{name}, error {share(expected_calibration_error(confidence, correct))}"
                axes.plot(
                    found.confidence,
                    found.accuracy,
                    color=COLOURS[number],
                    marker=MARKERS[number],
                    ms=3.5,
                    linestyle=LINE_STYLES[number],
                    label=label,
                )
            axes.set(
                xlabel="probability of the answer", ylabel="share of right answers", xlim=(0, 1.02), ylim=(0, 1.02)
            )
            axes.set_title(f"{score.marked_name} ({score.protocol})")
            legend_below(axes)
        share_left_labels(all_axes)
    return figure


def coverage_curves(scores: Sequence[ModelScore]) -> Figure:
    """Accuracy among the songs a model still answers when it says "no mood fits" to the least confident; seed means."""
    figure, (axes,) = panel_grid(1, COVERAGE_INCHES)
    coverage = np.linspace(LEAST_COVERAGE, 1, 191)
    several = len({score.protocol for score in scores}) > 1
    with rc_context(LOOK):
        for number, score in enumerate(scores):
            answers = zip(confidences(score), correct_answers(score), strict=True)
            curves = [risk_coverage(confidence, correct) for confidence, correct in answers]
            accuracy = np.mean([[curve.accuracy_at(at) for at in coverage] for curve in curves], axis=0)
            axes.plot(
                coverage,
                accuracy,
                color=COLOURS[number % len(COLOURS)],
                linestyle=LINE_STYLES[number % len(LINE_STYLES)],
                label=score.marked_name + (f", {score.protocol}" if several else ""),
            )
        axes.set(xlabel="share of songs answered, the surest first", ylabel="accuracy of the answers", xlim=(0, 1))
        axes.set_ylim(0, 1)
        legend_below(axes, columns=2)
    return figure


def precision_recall_curves(scores: Sequence[ModelScore]) -> Figure:
    """A panel a model, a curve a mood against all others; probabilities averaged over seeds. AP: average precision."""
    figure, all_axes = panel_grid(len(scores), PANEL_INCHES)
    with rc_context(LOOK):
        for axes, score in zip(all_axes, scores, strict=True):
            probs = probabilities(score).mean(axis=0)  # (songs, labels)
            for number, label in enumerate(score.labels):
                is_label = score.targets == number
                if not is_label.any():
                    continue
                precision, recall, _ = precision_recall_curve(is_label, probs[:, number])
                axes.plot(
                    recall,
                    precision,
                    color=COLOURS[number % len(COLOURS)],
                    linestyle=LINE_STYLES[number % len(LINE_STYLES)],
                    lw=1,
                    label=f"{label}, AP {share(average_precision_score(is_label, probs[:, number]))}",
                )
            axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
            axes.set_title(f"{score.marked_name} ({score.protocol})")
            legend_below(axes, columns=2)
        share_left_labels(all_axes)
    return figure
