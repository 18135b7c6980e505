"""The written report of invented runs: its parts, its three forms, and what stands in them."""

import shutil

import numpy as np
import pandas as pd
import pytest

from research.reports.calibrated import calibration_table, score_calibration
from research.reports.comparisons import compare_models
from research.reports.corpus import find_tracks
from research.reports.mistakes import hardest_artists, worst_songs
from research.reports.predictions import read_runs
from research.reports.scores import score_models
from research.reports.written import write_report
from research.tracks import Corpus, write_tracks

SECTIONS = ["Data", "Models", "Protocol", "Results", "Significance", "Calibration", "Errors", "Cost", "Limits"]


@pytest.fixture
def corpus(tmp_path):
    """The songs of the invented runs as a corpus, one of them dropped."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    frame = pd.DataFrame({"track_id": [f"t{song}" for song in range(10)], "title": [f"Song {s}" for s in range(10)]})
    frame = frame.assign(artist="Somebody", mood="sad", tags=[[]] * 10, licence="none", source="invented")
    corpus = Corpus(
        name="toy_50%", labels=("angry", "happy", "sad"), citation="Nobody & Co", licence="none", synthetic=True
    )
    (folder / "rejected.csv").write_text("line,song,reason,detail\n1,x,copy of a song already taken,y\n")
    return write_tracks(folder / "tracks.parquet", frame, corpus)


@pytest.fixture
def scores(write_run, corpus):
    known = {"fingerprint": corpus.fingerprint, "licence": "none", "songs": 10}
    runs = [write_run(name, fold, corpus=known) for name in ("audio", "fusion") for fold in (0, 1)]
    return score_models(read_runs(runs))


@pytest.fixture
def report(scores, corpus, tmp_path):
    out = tmp_path / "report"
    write_report(scores, compare_models(scores), ["late: not scored"], out, corpus.folder / "tracks.parquet")
    return out


def test_the_report_has_its_parts_in_three_forms(report):
    markdown, latex, page = (
        (report / f"report.{suffix}").read_text(encoding="utf-8") for suffix in ("md", "tex", "html")
    )
    assert [line[3:] for line in markdown.splitlines() if line.startswith("## ")] == SECTIONS
    assert latex.count(r"\section{") == len(SECTIONS)
    assert page.count("<h2>") == len(SECTIONS)
    assert markdown.startswith("# Models of mood compared on toy_50% (SYNTHETIC corpus)")
    assert "- These songs are SYNTHETIC" in markdown
    assert "- dropped in preparation: 1 copy of a song already taken" in markdown
    assert "| sad | 10 | 100.0 % |" in markdown
    assert "- late: not scored" in markdown
    assert "models of one seed: their differences may be the luck of one training" in markdown
    assert "| fusion | artist | 2 | 0.1 |" in markdown  # two runs of 1.5 s
    for name in ("scores", "confusion"):
        assert f"![{name}]({name}.png)" in markdown
        assert f'src="{name}.png"' in page
        assert rf"\includegraphics{{{name}.pdf}}" in latex
    drawn = {"scores", "confusion", "reliability", "coverage", "precision_recall", "differences", "plane"}
    for suffix, head in ((".pdf", b"%PDF"), (".png", b"\x89PNG")):
        # No learning curves: these runs logged no epochs.
        assert {path.stem for path in report.glob(f"*{suffix}")} == drawn
        assert all(path.read_bytes().startswith(head) for path in report.glob(f"*{suffix}"))


def test_a_corpus_that_is_not_at_hand_or_another_is_said(scores, corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_tracks(scores[0], None)[0] is None
    assert "give its track table with --tracks" in find_tracks(scores[0], None)[1]
    other = write_tracks(tmp_path / "other" / "tracks.parquet", corpus.frame.assign(mood="happy"), corpus.corpus)
    with pytest.raises(ValueError, match=r"holds other songs .* than the runs"):
        find_tracks(scores[0], other.folder / "tracks.parquet")
    shutil.copytree(other.folder, tmp_path / "data" / "toy_50%")
    assert "another preparation" in find_tracks(scores[0], None)[1]


def test_the_surest_errors_come_first(scores):
    fusion = scores[1]
    songs = worst_songs(fusion, {"t7": "Seven"})
    # Songs 7, 8 and 9 are wrong; all logits are one-hot, so folds differ by their temperature alone.
    assert set(songs["song"]) == {"Seven", "t8", "t9"}
    assert songs["probability"].astype(float).is_monotonic_decreasing
    assert (songs.set_index("song").loc["Seven", ["mood", "answer"]] == ["happy", "sad"]).all()
    assert len(worst_songs(fusion, {}, n=2)) == 2


def test_artists_of_few_songs_are_not_called_hard(write_run):
    (score,) = score_models(read_runs([write_run("audio", 0)]))
    assert hardest_artists(score).empty  # two songs an artist at most


def test_calibration_is_that_of_the_temperatures(scores):
    found = score_calibration(scores[1])
    assert (found.scaled is None, found.temperature) == (False, pytest.approx(scores[1].temperatures.mean()))
    assert found.accuracy_of_surest_half >= 0.7
    # One-hot logits of 1: the answer has e / (e + 2) = .576; 7 of 10 right.
    sure = np.e / (np.e + 2)
    expected = 0.7 * ((1 - sure) ** 2 * 1.5) + 0.3 * (sure**2 + (1 - (1 - sure) / 2) ** 2 + ((1 - sure) / 2) ** 2)
    assert found.raw.brier == pytest.approx(expected, abs=1e-6)  # float32 logits
    row = calibration_table([found]).iloc[0]
    assert " \N{RIGHTWARDS ARROW} " in row["Brier"]


def test_what_was_chosen_on_test_has_no_temperature(write_run):
    (score,) = score_models(read_runs([write_run("slides", 0, n_folds=1, selected_on="test")]))
    found = score_calibration(score)
    assert (found.scaled, found.temperature, found.answered, found.accuracy_of_answered) == (None, None, None, None)
    assert calibration_table([found]).iloc[0]["T"] == "\N{EM DASH}"
