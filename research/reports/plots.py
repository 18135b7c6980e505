"""Every figure that a comparison's runs allow, written beside its tables."""

from collections.abc import Sequence
from pathlib import Path

from research.reports.comparisons import Comparison
from research.reports.document import FigureFile
from research.reports.figures.confidence import coverage_curves, precision_recall_curves, reliability_diagrams
from research.reports.figures.confusion import confusion_matrices
from research.reports.figures.intervals import forest_plot, score_bars
from research.reports.figures.learning import learning_curves, validation_panels
from research.reports.figures.plane import lies_in_plane, valence_arousal
from research.reports.figures.style import MAX_PANELS, save_figure
from research.reports.scores import ModelScore
from research.reports.tables import scope

MAX_ROWS = 30
"""Of a figure with a line a model; more cannot be read on a page."""


def write_figures(
    scores: Sequence[ModelScore], comparisons: Sequence[Comparison], folder: Path
) -> dict[str, FigureFile]:
    """Write each figure as PDF and PNG; returns them by name, with captions that say what they stand on.

    Figures of a panel a model show the best `MAX_PANELS` models, those of a row a model the best `MAX_ROWS`.
    """
    shown, rows = best_models(scores, MAX_PANELS), best_models(scores, MAX_ROWS)
    left_out, left_out_rows = (
        f" The {len(some)} most accurate of {len(scores)} models." if len(some) < len(scores) else ""
        for some in (shown, rows)
    )
    figures = {
        "scores": (score_bars(rows), f"Scores with 95 % intervals.{left_out_rows}"),
        "confusion": (
            confusion_matrices(shown),
            f"Confusions: numbers count test songs (of all seeds), shades are shares of a true mood.{left_out}",
        ),
        "reliability": (
            reliability_diagrams(shown),
            "Reliability on test songs in bins of equally many; the dotted line is what probabilities should mean. "
            "The temperature is fitted to validation songs. Error: expected calibration error of all seeds' answers "
            f"together; the table has the mean over seeds.{left_out}",
        ),
        "coverage": (
            coverage_curves(shown),
            f"Accuracy when the least sure songs are left unanswered, means over seeds.{left_out}",
        ),
        "precision_recall": (
            precision_recall_curves(shown),
            f"Precision and recall of each mood against all others. AP: average precision.{left_out}",
        ),
    }
    if drawn := [found for found in comparisons if found.model in rows]:
        figures["differences"] = (
            forest_plot(drawn),
            f"Paired differences with 95 % intervals over artists; filled: Holm-adjusted p < .05.{left_out_rows}",
        )
    if panels := validation_panels(shown):
        figures["learning_curves"] = (
            learning_curves(panels, "accuracy on validation songs"),
            "Accuracy on validation songs by epoch, a curve a run; the dot is the epoch that was kept. Where it was "
            f"picked on the test songs, these are the validation songs.{left_out}",
        )
    if lies_in_plane(scores[0]):
        figures["plane"] = (
            valence_arousal(shown),
            "Test songs in Russell's plane: the moods' corners weighted by the predicted probabilities, "
            f"means over seeds.{left_out}",
        )
    for name, (figure, _) in figures.items():
        save_figure(figure, folder, name)
    return {name: FigureFile(name, f"{caption} {scope(scores)}") for name, (_, caption) in figures.items()}


def best_models(scores: Sequence[ModelScore], n: int) -> list[ModelScore]:
    """The n most accurate, in their order."""
    best = sorted(scores, key=lambda score: -score.accuracy.estimate)[:n]
    return [score for score in scores if score in best]
