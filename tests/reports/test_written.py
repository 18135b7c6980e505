"""The written report of invented runs: its parts, its three forms, and what stands in them."""

import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from research.reports.calibrated import calibration_table, score_calibration
from research.reports.comparisons import compare_models
from research.reports.corpus import attrition, coverage, find_tracks
from research.reports.cost import energy_wh
from research.reports.mistakes import errors_by_tag, hardest_artists, worst_songs
from research.reports.predictions import read_runs
from research.reports.scores import score_models
from research.reports.settings import model_settings, settings_blocks
from research.reports.written import _limits_of_seeds, _protocol, write_report
from research.tracks import Corpus, write_tracks

SECTIONS = ["Data", "Models", "Protocol", "Results", "Significance", "Calibration", "Errors", "Cost", "Limits"]


@pytest.fixture
def corpus(tmp_path):
    """The songs of the invented runs as a corpus, one of them dropped."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    frame = pd.DataFrame({"track_id": [f"t{song}" for song in range(10)], "title": [f"Song {s}" for s in range(10)]})
    tags = [["folk"]] * 3 + [[]] * 7
    frame = frame.assign(artist="Somebody", mood="sad", tags=tags, licence="none", source="invented")
    labels = ("angry", "happy", "sad")
    corpus = Corpus(
        name="toy_50%", labels=labels, tags=("folk",), citation="Nobody & Co", licence="none", synthetic=True
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
    assert "| found | 11 |\n| dropped: copy of a song already taken | \N{MINUS SIGN}1 |\n| kept | 10 |" in markdown
    assert "| sad | 10 | 100.0 % | 0.0 % | 0.0 % | 0.0 % | 100.0 % | 100.0 % |" in markdown
    assert "| happy | 0 | 0.0 % | \N{EM DASH} |" in markdown
    assert "- artists: 1; songs without one: 0" in markdown
    assert "- tags: 1; songs with one: 3" in markdown
    assert "- late: not scored" in markdown
    assert "models of one seed: their differences may be the luck of one training" in markdown
    assert "| fusion | artist | 2 | 0.1 |" in markdown  # two runs of 1.5 s
    assert "is the reference, the most" not in markdown  # there is one model of one side
    scope = "protocol artist: 10 songs by 6 artists, 2 fold(s); seed(s) 0; commit c0ffee"
    for name in ("scores", "confusion"):
        assert re.search(rf"!\[{name}\]\({name}\.png\)\n\n.*{re.escape(scope)}", markdown)
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


def test_errors_by_tag_are_those_of_its_songs(scores):
    fusion = scores[1]  # songs 7, 8 and 9 are wrong
    tags = {f"t{song}": ["late"] if song > 5 else ["early", "rare"][: 1 + (song == 0)] for song in range(10)}
    assert errors_by_tag(fusion, tags).empty  # of four songs at most
    more = {track: [*names, "any"] for track, names in tags.items()}
    found = errors_by_tag(fusion, more)
    # scipy.stats.binomtest(3, 10).proportion_ci(method="wilson"): .108 to .603
    assert found.to_numpy().tolist() == [["any", "10", ".300 [.108, .603]"]]
    assert errors_by_tag(fusion, {}).empty


def test_coverage_counts_sides_and_tested_songs_by_mood(corpus):
    frame = corpus.frame.assign(mood=["sad"] * 4 + ["happy"] * 4 + [None] * 2, lyrics=["a.txt"] * 5 + [None] * 5)
    table = coverage(replace(corpus, frame=frame), tested=["t0", "t4", "t5"]).set_index("mood")
    assert table.loc["happy"].tolist() == ["4", "40.0 %", "0.0 %", "25.0 %", "0.0 %", "100.0 %", "50.0 %"]
    assert table.loc["no mood", ["songs", "lyrics", "tested"]].tolist() == ["2", "0.0 %", "0.0 %"]
    assert table.loc["all", ["songs", "lyrics", "tested"]].tolist() == ["10", "50.0 %", "30.0 %"]
    assert table.loc["angry", "lyrics"] == "\N{EM DASH}"


def test_attrition_without_a_record_says_so(corpus):
    (corpus.folder / "rejected.csv").unlink()
    assert attrition(corpus, 3).to_numpy().tolist() == [
        ["dropped in preparation: not recorded (no rejected.csv)", "\N{EM DASH}"],
        ["kept", "10"],
        ["with a mood", "10"],
        ["tested, each seed", "3"],
    ]


def test_energy_is_power_times_time():
    run, machine = {"train_s": 1800.0, "peak_memory_gb": 2.0}, {"threads": 2, "device": "x86_64"}
    # By hand: half an hour of 2 x 12 W and 2 x .3725 W.
    assert energy_wh(run, machine) == pytest.approx(12.3725, rel=1e-12)
    assert energy_wh(run, machine | {"device": "NVIDIA H200"}) == pytest.approx(350.3725, rel=1e-12)
    assert energy_wh(run, machine | {"device": "NVIDIA H200"}, processes=4) == pytest.approx(4 * 350.3725, rel=1e-12)
    assert energy_wh(run, machine | {"device": "NVIDIA of tomorrow"}) is None
    assert energy_wh(run, {}) is None
    assert energy_wh({"train_s": 1.0}, machine) is None


def test_settings_that_a_model_never_read_are_left_out():
    audio = {"frozen": ["musicnn-msd", "m-a-p/MERT-v1-95M"], "network": "resnet18", "learning_rate": 2e-4}
    audio["layer_decay"] = 1.0
    train = {"schedule": "cosine", "step_epochs": 7, "select_by": "last", "patience": 6, "epochs": 20}
    inputs = {"mel": {"n_mels": 128}, "max_tokens": 512}
    config = {"model": {"audio": audio, "lyrics": None, "fusion": "late", "dim": 128}, "train": train, "inputs": inputs}
    assert model_settings(config) == {
        "model.audio.frozen": "musicnn-msd, MERT-v1-95M",
        "model.dim": "128",
        "train.schedule": "cosine",
        "train.select_by": "last",
        "train.epochs": "20",
    }
    assert model_settings({"selected_on": "test"}) == {"epoch picked on": "test"}
    learned = model_settings(config | {"model": {"audio": audio | {"frozen": []}, "lyrics": {"model": "bert"}}})
    assert (learned["model.audio.network"], learned["inputs.mel.n_mels"]) == ("resnet18", "128")
    words = {"model": "bert", "trainable_layers": 0, "learning_rate": 5e-5, "layer_decay": 0.8}
    assert model_settings({"model": {"audio": None, "lyrics": words}}) == {
        "model.lyrics.model": "bert",
        "model.lyrics.trainable_layers": "0",
    }


def test_models_are_set_apart_by_their_settings(write_run):
    settings = {"audio": {"dim": 64, "C": [[1, 2], [3]]}, "late": {"dim": 128}}
    runs = [write_run(name, 0, model=model, train={"epochs": 20}) for name, model in settings.items()]
    _, bullets, shared = settings_blocks(score_models(read_runs([*runs, write_run("mean", 0)])))
    assert bullets.items == [
        "audio (artist): model.dim 64; model.C (1, 2), (3)",
        "late (artist): model.dim 128",
        "mean (artist): settings not recorded, as of a model made of others' answers",
    ]
    assert shared.text == "Shared settings: train.epochs 20."
    (alone,) = settings_blocks(score_models(read_runs(runs[1:])))
    assert alone.text == "Shared settings: model.dim 128; train.epochs 20."


def test_the_protocol_says_on_what_epochs_were_chosen(write_run):
    train = {"select_by": "macro_f1"}
    honest = [write_run("audio", fold, train=train) for fold in (0, 1)]
    picked = [write_run("slides", fold, selected_on="test", right=9) for fold in (0, 1)]
    sentences = _protocol(score_models(read_runs(honest + picked)))
    assert sentences[1] == "epochs and settings are chosen on validation songs; test songs are predicted once"
    assert (
        sentences[2]
        == "but of models marked \N{DOUBLE DAGGER}: optimistic: the best epoch was picked on the test songs"
    )
    assert "on validation songs" not in _protocol(score_models(read_runs(picked)))[1]


def test_a_limit_says_whether_seeds_share_their_folds(write_run):
    first = [write_run("audio", fold, seed=0) for fold in (0, 1)]
    shared = [write_run("audio", fold, seed=1) for fold in (0, 1)]
    assert _limits_of_seeds(score_models(read_runs(first + shared))) == [
        "all seeds share their folds: what other folds would have done is not measured"
    ]
    other = [write_run("audio", fold, seed=2, songs=range(fold, 10, 2)) for fold in (0, 1)]
    (limit,) = _limits_of_seeds(score_models(read_runs(first + other)))
    assert limit.startswith("the seed draws the folds as well")


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
