"""The tagging report on invented runs: numbers against scikit-learn, thresholds from validation alone, refusals."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from research.evaluation.thresholds import tune_thresholds
from research.metrics.tags import chance_pr_auc
from research.reports.answers import read_answers
from research.reports.figures.tags import tag_curves
from research.reports.predictions import find_runs, read_runs
from research.reports.tagging import METRICS, write_tagging_report

MOODS, TAGS = ["happy", "sad"], ["calm", "loud", "soft"]
NAN = np.nan


def answers_of(name: str, part: str, fold: int, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Truth and logits of 40 songs; the better the model's name sounds, the less noise."""
    generator = np.random.default_rng([fold, part == "test"])
    truth = (generator.random((40, 5)) < 0.35).astype(np.float32)
    truth[:, 0] = 1 - truth[:, 1]  # one mood a song
    noise = np.random.default_rng([fold, part == "test", len(name)]).normal(
        0, {"tags": 2, "tags-good": 0.5}.get(name, 1), truth.shape
    )
    return truth[:, -labels:] if labels != 2 else truth[:, :2], (truth + noise - 1.5)[:, -labels:]


@pytest.fixture
def write_run(tmp_path):
    return writer(tmp_path)


def writer(root):
    """Writes a finished run, or a beginning, into a folder of its own under `root / "runs"`; returns the folder."""

    def write(name, labels=(), tags=(), fold=0, seed=0, songs=40, finished=True, fingerprint="f", **changes):
        folder = root / "runs" / f"{name}-fold{fold}-seed{seed}"
        folder.mkdir(parents=True)
        corpus = {"name": "toy", "synthetic": True, "citation": "Nobody", "fingerprint": fingerprint}
        config = {"corpus": corpus, "labels": list(labels), "name": name, "protocol": "artist", "fold": fold}
        config |= {"n_folds": 2, "seed": seed, "commit": "c0ffee"} | changes
        (folder / "config.json").write_text(json.dumps(config | ({"tags": list(tags)} if tags else {})))
        if not finished:
            return folder
        frames = []
        for part in ("valid", "test"):
            truth, logits = answers_of(name, part, fold, len(labels) + len(tags))
            target = list(truth) if tags else truth.argmax(axis=1).tolist()
            frame = pd.DataFrame({"track_id": [f"{part} {fold} {song}" for song in range(40)], "split": part})
            frame["artist"] = [f"artist {fold} {song // 2}" for song in range(40)]
            frames.append(frame.assign(target=target, logits=list(logits))[:songs])
        pd.concat(frames).to_parquet(folder / "predictions.parquet")
        return folder

    return write


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    root = tmp_path_factory.mktemp("tagging")
    write_run = writer(root)
    for fold in (0, 1):
        write_run("moods", labels=MOODS, fold=fold)
        write_run("moods+tags", labels=MOODS, tags=TAGS, fold=fold)
        write_run("tags", tags=TAGS, fold=fold)
        write_run("tags-good", tags=TAGS, fold=fold)
    out = root / "reports"
    return out, write_tagging_report(root / "runs", out, "tags")


def test_each_number_is_scikit_learns_on_the_pooled_folds(report):
    out, text = report
    pairs = {part: [answers_of("tags", part, fold, 3) for fold in (0, 1)] for part in ("valid", "test")}
    truth, logits = (np.concatenate(side) for side in zip(*pairs["test"], strict=True))
    given = np.concatenate(
        [test[1] >= tune_thresholds(*valid) for valid, test in zip(pairs["valid"], pairs["test"], strict=True)]
    )
    expected = {
        "PR-AUC": average_precision_score(truth, logits, average=None),
        "ROC-AUC": roc_auc_score(truth, logits, average=None),
        "F1 at one half": f1_score(truth, logits > 0, average=None),
        "F1, tuned thresholds": f1_score(truth, given, average=None),
    }
    found = pd.read_csv(out / "tags.csv").query("model == 'tags'").set_index("tag")
    assert found.index.tolist() == TAGS
    for metric in METRICS:
        np.testing.assert_allclose(found[metric], expected[metric], rtol=1e-12)
    (line,) = [line for line in text.splitlines() if line.startswith("| tags | 1 |")]
    for cell, metric in zip(line.split("|")[3:7], METRICS, strict=True):
        assert cell.strip().startswith(f"{expected[metric].mean():.3f} [".removeprefix("0"))


def test_the_reference_stands_first_and_differences_are_said(report):
    _, text = report
    rows = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| ") and " [" in line]
    assert rows == ["| tags", "| moods+tags", "| moods", "| tags-good"]
    (better,) = [line for line in text.splitlines() if line.startswith("- tags-good \N{MINUS SIGN} tags:")]
    assert "+" in better.split("points PR-AUC")[0]
    assert sum("tuned thresholds instead of one half" in line for line in text.splitlines()) == 3
    assert sum("moods+tags \N{MINUS SIGN} moods: " in line for line in text.splitlines()) == 1
    assert "SYNTHETIC" in text
    assert "one seed" in text


def test_the_mood_of_a_run_with_tags_is_scored_like_one_without(report):
    _, text = report
    lines = {line.split(" | ")[0]: line for line in text.splitlines() if " [" in line and line.startswith("| ")}
    truth, logits = (
        np.concatenate(side)
        for side in zip(*(answers_of("moods+tags", "test", fold, 5) for fold in (0, 1)), strict=True)
    )
    expected = f1_score(truth[:, :2].argmax(axis=1), logits[:, :2].argmax(axis=1), average="macro")
    assert lines["| moods+tags"].split("|")[-2].strip().startswith(f"{expected:.3f} [".removeprefix("0"))


def test_an_unfinished_seed_is_left_out_and_named(write_run, tmp_path):
    for fold in (0, 1):
        write_run("tags", tags=TAGS, fold=fold)
    write_run("tags", tags=TAGS, fold=0, seed=1)
    write_run("tags", tags=TAGS, fold=1, seed=1, finished=False)
    text = write_tagging_report(tmp_path / "runs", tmp_path / "reports", "tags")
    assert "tags: seed 1 left out, unfinished: tags-fold1-seed1" in text


def test_runs_that_do_not_belong_together_are_refused(write_run, tmp_path):
    write_run("tags", tags=TAGS, finished=False)
    with pytest.raises(ValueError, match="tags: no seed is finished"):
        write_tagging_report(tmp_path / "runs", tmp_path / "reports", "tags")
    write_run("tags-good", tags=TAGS, fingerprint="another")
    with pytest.raises(ValueError, match="is of another corpus or protocol"):
        read_answers(find_runs(tmp_path / "runs"))


def test_models_tested_on_other_songs_are_refused(write_run, tmp_path):
    write_run("tags", tags=TAGS)
    write_run("tags-good", tags=TAGS, songs=30)
    with pytest.raises(ValueError, match="tags-good was tested on 30 songs, tags on 40, 10 of them not in both"):
        write_tagging_report(tmp_path / "runs", tmp_path / "reports", "tags")


def test_an_encoder_that_met_the_tags_is_told(write_run):
    folders = [write_run("tags", tags=TAGS, fold=fold, met_labels=["musicnn-msd"]) for fold in (0, 1)]
    (found,) = read_answers(folders)
    assert found.notes[1:] == ("OPTIMISTIC: musicnn-msd learned from the source of the labels",)


def test_the_comparison_of_moods_refuses_runs_of_tags(write_run):
    folder = write_run("tags", tags=TAGS)
    with pytest.raises(ValueError, match=r"tags-fold0-seed0 learned tags; experiments/multilabel.py reports such runs"):
        read_runs([folder])


def test_curves_of_tags_end_at_their_frequency_and_the_best_comes_first(report):
    out, text = report
    assert (out / "tag_curves.png").read_bytes().startswith(b"\x89PNG")
    assert "![tag_curves](tag_curves.png)" in text
    generator = np.random.default_rng(0)
    truth = (generator.random((200, 8)) < 0.3).astype(float)
    noise = np.linspace(0, 3, 8)  # the first tag is told without error
    logits = truth[None] + noise * generator.normal(size=(2, 200, 8)) / 2
    truth[:, 7] = 0  # without a test song
    areas = np.append(average_precision_score(truth[:, :7], logits[0, :, :7], average=None), NAN)
    figure = tag_curves([f"t{tag}" for tag in range(8)], truth, logits, areas)
    (axes,) = figure.axes
    *tags, mean, chance = axes.lines
    assert tags[0].get_ydata().tolist() == [1.0] * 101
    assert [line.get_ydata()[-1] >= truth[:, :7].mean(axis=0).min() for line in tags] == [True] * 6
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[0] == f"t0 ({truth[:, 0].sum():.0f} songs), 1.000"
    assert names[-2].startswith("mean of 7 tags, ")
    assert names[-1] == f"random order, {chance_pr_auc(truth[:, :7]).mean():.3f}".replace("0.", ".")
    assert chance.get_ydata()[0] == pytest.approx(truth[:, :7].mean(), abs=1e-12)
    # Means over recalls are the areas, but for the steps of 1 %.
    assert np.mean(mean.get_ydata()) == pytest.approx(np.nanmean(areas), abs=0.05)
    with pytest.raises(ValueError, match="no tag has a test song"):
        tag_curves(["a"], np.zeros((3, 1)), np.zeros((1, 3, 1)), np.array([NAN]))
