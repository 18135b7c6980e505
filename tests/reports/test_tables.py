"""Tables of invented runs as they are printed."""

import csv

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

from research.reports.comparisons import compare_models
from research.reports.figures.intervals import forest_plot, score_bars
from research.reports.formats import latex_table, p_equals, points, share
from research.reports.overview import write_comparison
from research.reports.predictions import read_runs
from research.reports.scores import METRICS, ReportedMetric, score_models
from research.reports.tables import best_cells, comparison_table, difference_sentence, display_table, legend
from tests.reports.conftest import RIGHT, TARGETS, answers

MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def scores(folders):
    return score_models(read_runs(folders))


@pytest.fixture
def written(scores, tmp_path):
    folder = tmp_path / "toy_report"
    write_comparison(scores, compare_models(scores), ["late (artist): not scored"], folder)
    return folder


def test_the_overview_says_what_it_stands_on(written):
    names = sorted(path.name for path in written.iterdir())
    assert names == ["comparison.csv", "comparison.md", "comparison.tex", "differences.csv"]
    markdown = (written / "comparison.md").read_text(encoding="utf-8")
    assert markdown.startswith("# Models compared on toy_50% (SYNTHETIC corpus)\n")
    assert "protocol artist: 10 songs by 6 artists, 2 fold(s); seed(s) 0; commit c0ffee" in markdown
    # 7 of 10: Wilson .397 to .892 (scipy.stats.binomtest(7, 10).proportion_ci(method="wilson"))
    assert "| fusion \N{DAGGER} | artist | 10 | 1 | **.700 [.397, .892]** |" in markdown
    assert "| slides' Model 2 (audio) | different data/protocol | 1925 |" in markdown
    assert f"| fusion \N{DAGGER} {MINUS} lyrics \N{DAGGER} | artist | +20.0 [" in markdown
    assert "\N{DAGGER} one seed: the noise of training is not measured" in markdown
    assert "- late (artist): not scored" in markdown
    assert "| true angry | 3 | 1 | 0 |" in markdown


def test_latex_is_escaped_and_the_best_is_bold(written):
    latex = (written / "comparison.tex").read_text(encoding="utf-8")
    assert r"\caption{Corpus toy\_50\% (SYNTHETIC corpus), 3 moods" in latex
    assert r"Nobody \& Co" in latex
    assert "fusion \N{DAGGER} & artist & 10 & 1 & \\bfseries .700 [.397, .892] &" in latex
    assert latex.count(r"\toprule") == latex.count(r"\bottomrule") == 1
    table = latex_table(pd.DataFrame([["a_b", "1 < 2"]], columns=["x%", "y"]), "c", "tab:c")
    assert r"a\_b & 1 $<$ 2 \\" in table
    assert r"x\% & y \\" in table


def test_csv_is_unrounded(written):
    with (written / "comparison.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[2]["accuracy"]) == 0.7
    assert rows[2]["corpus"] == "toy_50% (SYNTHETIC corpus)"
    with (written / "differences.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["model"] for row in rows] == ["audio", "fusion"]
    assert float(rows[1]["accuracy"]) == pytest.approx(0.2, abs=1e-12)
    assert 0 < float(rows[1]["accuracy_p"]) <= float(rows[1]["accuracy_p_holm"]) <= 1


def test_a_difference_that_may_be_chance_says_so(scores):
    comparisons = compare_models(scores)
    sentence = difference_sentence(comparisons[0], len(comparisons))  # one song of ten
    assert sentence.startswith(f"audio and lyrics cannot be told apart in accuracy (artist): {MINUS}10.0 points accura")
    assert "(Holm-adjusted" in sentence
    assert sentence.endswith("[audio and lyrics: one seed: the noise of training is not measured]")


def test_a_difference_beyond_chance_says_who_is_better(write_run):
    targets = np.zeros(100, dtype=int)
    runs = [
        write_run(name, 0, guesses=answers(right, targets), songs=range(100), targets=targets, n_folds=1)
        for name, right in (("audio", 50), ("fusion", 90))
    ]
    scores = score_models(read_runs(runs))
    comparisons = compare_models(scores)
    sentence = difference_sentence(comparisons[0], len(comparisons))
    assert sentence.startswith("fusion beats audio (artist): +40.0 points accuracy [+")
    assert "p < .001" in sentence
    assert "Holm" not in sentence  # a single comparison needs no adjustment
    backwards = compare_models(scores, reference="fusion")
    assert difference_sentence(backwards[0], 1).startswith("audio is beaten by fusion (artist): \N{MINUS SIGN}40.0")
    table = display_table(scores, comparisons)
    assert table["accuracy [95 %]"].str.endswith("*").tolist() == [False, True]
    assert "* differs from audio: p < .05 by 10,000 permutations of artists" in legend(scores, comparisons)


def test_what_is_flattered_is_never_bold(write_run):
    runs = [write_run("slides", 0, right=5, n_folds=1, selected_on="test")]
    runs += [write_run(name, 0, right=right, n_folds=1) for name, right in (("audio", 3), ("lyrics", 2))]
    scores = score_models(read_runs(runs))
    bold = best_cells(scores, display_table(scores))
    assert bold["accuracy [95 %]"].tolist() == [False, True, False]
    assert "\N{DOUBLE DAGGER} optimistic: the best epoch was picked on the test songs" in legend(scores)


def confusion_kappa(confusions):
    """Cohen's."""
    songs = confusions.sum(axis=(-2, -1))
    chance = (confusions.sum(axis=-1) * confusions.sum(axis=-2)).sum(axis=-1) / songs**2
    # Where all songs have one mood, which was answered, both differences are 0.
    return (np.trace(confusions, axis1=-2, axis2=-1) / songs - chance) / np.maximum(1 - chance, 1e-12)


def test_a_metric_entered_once_is_scored_compared_printed_and_drawn(folders, monkeypatch, tmp_path):
    before = score_models(read_runs(folders))
    monkeypatch.setitem(METRICS, "kappa", ReportedMetric("Cohen's kappa", confusion_kappa))
    scores = score_models(read_runs(folders))
    for old, new in zip(before, scores, strict=True):
        assert dict(new.metrics) == {**old.metrics, "kappa": new.metrics["kappa"]}
        expected = cohen_kappa_score(TARGETS, answers(RIGHT[new.name]))
        assert new.metrics["kappa"].estimate == pytest.approx(expected, abs=1e-12)  # the same sums of ten songs
        assert new.metrics["kappa"].low < expected < new.metrics["kappa"].high
    comparisons = compare_models(scores)
    write_comparison(scores, comparisons, [], tmp_path)
    table = display_table(scores, comparisons)
    assert table.columns[6] == "Cohen's kappa [95 %]"
    assert best_cells(scores, table)["Cohen's kappa [95 %]"].tolist() == [False, False, True]
    assert "points Cohen's kappa [" in difference_sentence(comparisons[0], len(comparisons))
    assert "macro-F1, Cohen's kappa with percentile interval" in (tmp_path / "comparison.md").read_text("utf-8")
    assert pd.read_csv(tmp_path / "comparison.csv")["kappa_low"].notna().all()
    gains = pd.read_csv(tmp_path / "differences.csv")["kappa"]
    kappas = {score.name: score.metrics["kappa"].estimate for score in scores}
    assert gains.tolist() == pytest.approx([kappas[name] - kappas["lyrics"] for name in ("audio", "fusion")], abs=1e-12)
    bars = score_bars(scores).axes
    assert len(bars) == len(forest_plot(comparisons).axes) == 3
    lowest = min(score.metrics["kappa"].low for score in scores)
    assert lowest < 0  # of the weaker side
    assert [axes.get_xlim() for axes in bars] == [(0, 1), (0, 1), (lowest, 1)]


@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_metric_that_is_no_number_for_some_songs_is_refused(folders, monkeypatch):
    def angry_recall(confusions):
        return confusions[..., 0, 0] / confusions[..., 0, :].sum(axis=-1)  # some resamples have no angry song

    monkeypatch.setitem(METRICS, "angry", ReportedMetric("recall of angry", angry_recall))
    with pytest.raises(ValueError, match="recall of angry is no number for some of the resampled artists"):
        score_models(read_runs(folders))


def test_a_real_corpus_is_not_called_synthetic(write_run):
    scores = score_models(read_runs([write_run("audio", 0, corpus={"synthetic": False})]))
    assert list(comparison_table(scores)["corpus"]) == ["toy_50%"]
    assert compare_models(scores) == []


def test_numbers_in_sentences():
    from research.evaluation.statistics import Interval

    assert points("macro-F1", Interval(-0.0151, -0.05, 0.02)) == f"{MINUS}1.5 points macro-F1 [{MINUS}5.0, +2.0]"
    assert (p_equals(0.0004), p_equals(0.034)) == ("p < .001", "p = .034")
    assert [share(value) for value in (1.0, 0.0694, -0.0694, -0.0004)] == ["1.000", ".069", f"{MINUS}.069", ".000"]
