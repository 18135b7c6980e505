"""Figures of invented runs: what is drawn where; that they are legible is for eyes (reports/*/*.png)."""

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from research.reports.calibrated import probabilities
from research.reports.comparisons import compare_models
from research.reports.figures.confidence import coverage_curves, precision_recall_curves, reliability_diagrams
from research.reports.figures.confusion import confusion_matrices
from research.reports.figures.intervals import forest_plot, score_bars
from research.reports.figures.learning import learning_curves, validation_panels
from research.reports.figures.plane import plane_positions, valence_arousal
from research.reports.plots import best_models
from research.reports.predictions import read_runs
from research.reports.scores import score_models


@pytest.fixture
def scores(folders):
    return score_models(read_runs(folders))


def test_confusions_show_counts_and_shares(scores):
    first, _, axes, _ = confusion_matrices(scores).axes  # the last is the scale of shades
    assert axes.get_title() == "fusion \N{DAGGER} (artist)"
    assert [text.get_text() for text in axes.texts] == ["3", "1", "0", "0", "2", "1", "1", "0", "2"]
    # By hand: of four angry songs three are right.
    assert axes.images[0].get_array()[0].tolist() == [0.75, 0.25, 0]
    assert (axes.get_xlabel(), first.get_ylabel()) == ("predicted mood", "true mood")


def test_bars_are_as_long_as_the_scores(scores):
    accuracy, macro_f1 = score_bars(scores).axes
    assert [bar.get_width() for bar in accuracy.patches] == pytest.approx([0.4, 0.5, 0.7], abs=1e-12)
    assert [bar.get_width() for bar in macro_f1.patches] == [score.macro_f1.estimate for score in scores]


def test_differences_stand_in_points_beside_zero(scores):
    comparisons = compare_models(scores)
    accuracy = forest_plot(comparisons).axes[0]
    assert [label.get_text() for label in accuracy.get_yticklabels()] == [
        f"{name} \N{DAGGER} \N{MINUS SIGN} lyrics" for name in ("audio", "fusion")
    ]
    places = [line.get_xdata()[0] for line in accuracy.lines if line.get_marker() == "o"]
    assert places == pytest.approx([-10, 20], abs=1e-9)


def test_learning_curves_are_of_validation_and_mark_the_kept_epoch(folders):
    for folder, accuracies in zip(folders[4:], ([0.2, 0.6], [0.3, 0.5]), strict=True):
        rows = [{"epoch": epoch, "valid/accuracy": value} for epoch, value in enumerate(accuracies, 1)]
        (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        (folder / "result.json").write_text('{"best_epoch": 2}')
    panels = validation_panels(score_models(read_runs(folders)))
    assert list(panels) == ["fusion (artist)"]
    assert [curve.values for curve in panels["fusion (artist)"].curves] == [[0.2, 0.6], [0.3, 0.5]]
    (axes,) = learning_curves(panels, "accuracy").axes
    assert [line.get_ydata()[0] for line in axes.lines if line.get_marker() == "o"] == [0.6, 0.5]


def test_many_seeds_share_one_line_of_the_legend(write_run):
    folders = [write_run("audio", 0, seed=seed) for seed in range(7)]
    for folder in folders:
        (folder / "metrics.jsonl").write_text('{"epoch": 1, "valid/accuracy": 0.5}\n')
        (folder / "result.json").write_text('{"best_epoch": 1}')
    few, many = (validation_panels(score_models(read_runs(some)))["audio (artist)"] for some in (folders[:2], folders))
    assert [curve.label for curve in few.curves] == ["seed 0", "seed 1"]
    assert [curve.label for curve in many.curves] == ["runs of 7 seeds"] * 7


def test_precision_recall_names_the_area(scores):
    axes = precision_recall_curves(scores).axes[2]
    area = average_precision_score(scores[2].targets == 0, probabilities(scores[2])[0, :, 0])
    assert axes.get_legend().get_texts()[0].get_text() == f"angry, AP {area:.3f}".replace("0.", ".")


def test_reliability_shows_both_readings_and_coverage_ends_at_the_accuracy(scores, write_run):
    labels = [text.get_text() for text in reliability_diagrams(scores).axes[0].get_legend().get_texts()]
    assert [label.split(",")[0] for label in labels] == ["as trained", "with temperature"]
    picked = score_models(read_runs([write_run("slides", 0, n_folds=1, selected_on="test")]))
    assert len(reliability_diagrams(picked).axes[0].get_legend().get_texts()) == 1
    (axes,) = coverage_curves(scores).axes
    assert [line.get_ydata()[-1] for line in axes.lines] == pytest.approx([0.4, 0.5, 0.7], abs=1e-12)


def test_songs_lie_between_the_corners_of_their_moods(write_run):
    (score,) = score_models(read_runs([write_run("audio", 0)]))
    position = plane_positions(score)
    probs = probabilities(score)[0]
    # angry (-1, 1), happy (1, 1), sad (-1, -1): valence 2 p(happy) - 1, arousal 1 - 2 p(sad)
    assert position == pytest.approx(np.stack([2 * probs[:, 1] - 1, 1 - 2 * probs[:, 2]], axis=1), abs=1e-12)
    drawn = np.concatenate([line.get_xydata() for line in valence_arousal([score]).axes[0].lines[2:]])
    assert sorted(map(tuple, drawn)) == sorted(map(tuple, position))
    clusters = score_models(read_runs([write_run("lyrics", 0, labels=["a", "b", "c"])]))
    with pytest.raises(ValueError, match=r"moods \['a', 'b', 'c'\] have no place in the plane"):
        plane_positions(clusters[0])


def test_many_models_are_thinned_to_the_best(write_run):
    runs = [write_run(f"late-{right}", 0, right=right) for right in (2, 4, 0, 3)]
    scores = score_models(read_runs(runs))
    assert [score.name for score in best_models(scores, 2)] == ["late-4", "late-3"]
    assert best_models(scores, 4) == scores
