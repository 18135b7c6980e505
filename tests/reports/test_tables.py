"""Tables of invented runs: the numbers, the notes, and what is refused."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

from research.metrics import accuracy, balanced_accuracy, macro_f1
from research.reports.predictions import read_runs
from research.reports.scores import differences, is_single_side, score_models
from research.reports.tables import comparison_table, difference_sentence, display_table, write_report

LABELS = ["angry", "happy", "sad"]
TARGETS = np.array([0, 0, 1, 1, 2, 2, 0, 1, 2, 0])  # by hand: the majority is angry, 4 of 10
RIGHT = {"audio": [0, 1, 2, 3], "lyrics": [0, 1, 2, 3, 4], "fusion": [0, 1, 2, 3, 4, 5, 6]}


def answers(name: str) -> np.ndarray:
    """Right for the songs in RIGHT, elsewhere the next label."""
    return np.where(np.isin(np.arange(10), RIGHT[name]), TARGETS, (TARGETS + 1) % 3)


@pytest.fixture
def write_run(tmp_path):
    def write(name, fold, seed=0, songs=None, targets=TARGETS, finished=True, corpus=None, **changes):
        folder = tmp_path / f"{name}-fold{fold}-seed{seed}"
        folder.mkdir()
        identity = {"name": "toy_50%", "synthetic": True, "citation": "Nobody & Co", "fingerprint": "ab12"}
        identity |= corpus or {}
        config = {"corpus": identity, "labels": LABELS, "name": name, "protocol": "artist", "fold": fold, "n_folds": 2}
        config |= {"seed": seed, "commit": "c0ffee"} | changes
        (folder / "config.json").write_text(json.dumps(config))
        if finished:
            songs = range(5 * fold, 5 * fold + 5) if songs is None else songs
            frame = pd.DataFrame({"track_id": [f"t{song}" for song in songs], "split": "test", "fold": fold})
            frame["artist"] = [f"artist {song // 2}" for song in songs]
            frame["target"] = [int(targets[song]) for song in songs]
            frame["logits"] = [np.eye(3, dtype=np.float32)[answers(name)[song]] for song in songs]
            validation = frame.assign(split="valid", target=0)  # the same songs: must not be scored
            pd.concat([validation, frame.assign(seed=seed)]).to_parquet(folder / "predictions.parquet")
            (folder / "result.json").write_text('{"wall_s": 1.5, "parameters": 11}')
        return folder

    return write


@pytest.fixture
def folders(write_run):
    return [write_run(name, fold) for name in RIGHT for fold in (0, 1)]


def test_folds_are_pooled_and_scored_by_the_metrics(folders):
    audio, lyrics, fusion = score_models(read_runs(folders))
    assert [score.name for score in (audio, lyrics, fusion)] == ["audio", "lyrics", "fusion"]
    for score in (audio, lyrics, fusion):
        expected = [metric(TARGETS, answers(score.name)) for metric in (accuracy, macro_f1, balanced_accuracy)]
        computed = [score.accuracy.estimate, score.macro_f1.estimate, score.balanced_accuracy]
        assert computed == pytest.approx(expected, abs=1e-12)  # the same ratios, averaged over one seed
        assert (score.majority_accuracy, score.wall_s, score.parameters, score.n_folds) == (0.4, 3.0, 11, 2)
        assert score.notes == ("one seed: the noise of training is not measured",)
    assert fusion.accuracy.estimate == 0.7
    # By hand: songs 7 (happy), 8 (sad), 9 (angry) go to the next label.
    assert fusion.confusion.tolist() == [[3, 1, 0], [0, 2, 1], [1, 0, 2]]


def test_seeds_are_averaged_and_their_spread_is_noted(write_run, monkeypatch):
    runs = [write_run("fusion", fold, seed=0) for fold in (0, 1)]
    monkeypatch.setitem(RIGHT, "fusion", [0, 1, 2, 3, 4, 5, 6, 7, 8])
    runs += [write_run("fusion", fold, seed=7) for fold in (0, 1)]
    (score,) = score_models(read_runs(runs))
    assert score.accuracy.estimate == pytest.approx((0.7 + 0.9) / 2, abs=1e-12)  # float64 mean
    assert (score.seeds, score.notes) == ((0, 7), ("accuracy by seed from 0.700 to 0.900",))
    assert score.confusion.sum() == 20


def test_a_seed_with_an_unfinished_run_is_left_out_and_named(folders, write_run):
    extra = [write_run("audio", 0, seed=1), write_run("audio", 1, seed=1, finished=False)]
    score = score_models(read_runs([*folders, *extra]))[0]
    assert (score.seeds, score.wall_s) == ((0,), 3.0)
    assert score.notes[0] == "seed 1 left out, unfinished: audio-fold1-seed1"


def test_missing_folds_are_noted(write_run):
    (score,) = score_models(read_runs([write_run("audio", 0)]))
    assert (score.notes[0], len(score.targets)) == ("only fold 0 of 2", 5)


def test_protocols_are_scored_apart(write_run):
    runs = [write_run("audio", 0), write_run("lyrics", 0), write_run("fusion", 1, protocol="official")]
    scores = score_models(read_runs(runs))
    assert [(score.protocol, len(score.targets)) for score in scores] == [("artist", 5)] * 2 + [("official", 5)]
    assert [(pair.model, pair.reference) for pair in differences(scores)] == [("audio", "lyrics")]


def test_the_order_of_runs_does_not_matter(folders):
    forth, back = (score_models(read_runs(order)) for order in (folders, [*folders[:4], folders[5], folders[4]]))
    assert differences(forth) == differences(back)


def test_models_are_compared_with_the_best_single_side(folders):
    scores = score_models(read_runs(folders))
    audio, fusion = differences(scores)
    assert (audio.model, audio.reference, fusion.model, fusion.reference) == ("audio", "lyrics", "fusion", "lyrics")
    assert fusion.accuracy.estimate == pytest.approx(0.2, abs=1e-12)  # 7 of 10 against 5 of 10
    assert [pair.reference for pair in differences(scores, reference="fusion")] == ["fusion", "fusion"]
    with pytest.raises(ValueError, match=r"no model 'best'; choose one of .*'fusion'"):
        differences(scores, reference="best")


@pytest.mark.parametrize(
    ("name", "single"), [("audio", True), ("lyrics-tfidf", True), ("audio+lyrics", False), ("late", False)]
)
def test_single_sides_are_known_by_name(name, single):
    assert is_single_side(name) is single


def test_the_report_says_what_it_stands_on(folders, tmp_path):
    scores = score_models(read_runs(folders))
    write_report(scores, differences(scores), tmp_path / "toy_report")
    written = sorted(path.name for path in (tmp_path / "toy_report").iterdir())
    assert written == ["comparison.csv", "comparison.md", "comparison.tex"]
    markdown = (tmp_path / "toy_report" / "comparison.md").read_text(encoding="utf-8")
    assert markdown.startswith("# Models compared on toy_50% (SYNTHETIC corpus)\n")
    assert "protocol artist: 10 songs by 5 artists, 2 fold(s); seed(s) 0; commit c0ffee" in markdown
    # 7 of 10: Wilson .397 to .892 (scipy.stats.binomtest(7, 10).proportion_ci(method="wilson"))
    assert "| fusion | artist | 10 | 1 | .700 [.397, .892] |" in markdown
    assert "- fusion \N{MINUS SIGN} lyrics (artist): +20.0 points accuracy [" in markdown
    assert "| true angry | 3 | 1 | 0 |" in markdown
    latex = (tmp_path / "toy_report" / "comparison.tex").read_text(encoding="utf-8")
    assert r"\caption{Corpus toy\_50\% (SYNTHETIC corpus), 3 moods" in latex
    assert r"Nobody \& Co" in latex
    assert r"fusion & artist & 10 & 1 & .700 [.397, .892] &" in latex
    with (tmp_path / "toy_report" / "comparison.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[2]["accuracy"]) == 0.7
    assert rows[2]["corpus"] == "toy_50% (SYNTHETIC corpus)"


def test_a_difference_that_may_be_chance_says_so(folders):
    audio, _ = differences(score_models(read_runs(folders)))  # one song of ten
    assert difference_sentence(audio).startswith("audio \N{MINUS SIGN} lyrics (artist): -10.0 points accuracy [")
    assert difference_sentence(audio).endswith("not distinguishable from zero")


def test_tables_agree(folders):
    scores = score_models(read_runs(folders))
    numbers, printed = comparison_table(scores), display_table(scores)
    for shown, value in zip(printed["balanced"], numbers["balanced_accuracy"], strict=True):
        assert float(shown) == pytest.approx(value, abs=5e-4)  # printed with three decimals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corpus": {"fingerprint": "ff00"}}, r"fusion-fold0-seed0 was trained on .*ab12.*late-fold0-seed0 on .*ff00"),
        ({"labels": ["angry", "happy", "relaxed"]}, "late-fold0-seed0 .*; compare runs on one label space"),
        ({"songs": [0, 1, 2, 3]}, "fusion seed 0 was tested on 5 songs, late seed 0 on 4, 1 of them not in both"),
        ({"songs": [0, 1, 2, 3, 3]}, "1 songs, such as 't3', are predicted twice .*late-fold0-seed0"),
        ({"targets": 2 - TARGETS}, "fusion seed 0 and late seed 0 were scored on different targets"),
        ({"finished": False}, "no seed is finished: .*late-fold0-seed0 lack predictions"),
    ],
)
def test_runs_that_cannot_be_compared_are_refused(write_run, monkeypatch, changes, message):
    monkeypatch.setitem(RIGHT, "late", [0])
    folders = [write_run("fusion", 0), write_run("late", 0, **changes)]
    with pytest.raises(ValueError, match=message):
        score_models(read_runs(folders))


def test_damaged_run_folders_are_refused(write_run, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"config\.json does not exist; give folders that training wrote"):
        read_runs([tmp_path])
    with pytest.raises(ValueError, match=r"predictions\.parquet: 3 logits for 2 labels"):
        read_runs([write_run("audio", 0, labels=["angry", "happy"])])
    folder = write_run("lyrics", 0)
    frame = pd.read_parquet(folder / "predictions.parquet")
    frame["logits"] = [[np.nan, 0.0, 1.0]] * len(frame)
    frame.to_parquet(folder / "predictions.parquet")
    with pytest.raises(ValueError, match="logits are not finite, training diverged"):
        read_runs([folder])
    (folder / "config.json").write_text('{"name": "lyrics"}')
    with pytest.raises(ValueError, match=r"config\.json lacks corpus, labels, protocol"):
        read_runs([folder])
