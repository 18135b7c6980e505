"""The baselines' report on invented runs: who stands in which column, on which songs, and what is said beside it."""

import csv
import json

import numpy as np
import pandas as pd
import pytest

from baselines.report import write_baselines_report
from research.evaluation.statistics import wilson_interval

FOUR, THREE = ["happy", "angry", "sad", "relaxed"], ["happy", "angry", "sad"]


@pytest.fixture
def write_run(tmp_path):
    return writer(tmp_path)


def writer(root):
    """Writes a run that tests 20 songs, two an artist, and is right on the first so many of them."""

    def write(name, protocol, right, fold=0, labels=FOUR, seed=0, network=True, curve=(0.25, 0.75, 0.5)):
        folder = root / "runs" / "baselines" / f"{name}-{protocol}-fold{fold}-seed{seed}"
        folder.mkdir(parents=True)
        corpus = {"name": "toy", "synthetic": True, "citation": "Nobody", "fingerprint": f"f{len(labels)}"}
        config = {"corpus": corpus, "labels": labels, "name": name, "protocol": protocol, "fold": fold, "seed": seed}
        config |= {"commit": "c0ffee", "n_folds": 1 if protocol == "slides" else 4, "model": {"frozen": False}}
        result = {"train_s": 1.0}
        if network:
            config |= {"mix": "slides"} if name.endswith("slidesmix") else {}
            config |= {"selected_on": "test" if protocol == "slides" else "valid", "initialised_from": "random"}
            config |= {"songs_by_mood": dict.fromkeys(labels, 20)}
            result = {"train_s": 30.0, "epochs": 3, "best_epoch": 2, "parameters": 11, "trained_parameters": 7}
            rows = [{"epoch": epoch + 1, "valid/accuracy": value} for epoch, value in enumerate(curve)]
            (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        targets = np.arange(20) % len(labels)
        guesses = np.where(np.arange(20) < right, targets, (targets + 1) % len(labels))
        frame = pd.DataFrame({"track_id": [f"{protocol} {fold} {song}" for song in range(20)], "split": "test"})
        frame["artist"] = [f"artist {song // 2}" for song in range(20)]
        frame["target"], frame["logits"] = targets, list(np.eye(len(labels), dtype=np.float32)[guesses])
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "result.json").write_text(json.dumps(result))
        frame.to_parquet(folder / "predictions.parquet")

    return write


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    root = tmp_path_factory.mktemp("baselines")
    write_run = writer(root)
    write_run("slides-model1", "slides", right=16)
    write_run("slides-model1", "artist", right=10)
    write_run("slides-model2", "artist", right=12, labels=THREE)
    write_run("majority", "artist", right=5, network=False)
    write_run("majority", "artist", right=20, fold=1, network=False)  # songs the networks were not tested on
    out = root / "reports" / "baselines"
    text = write_baselines_report(root / "runs" / "baselines", out, {"slides-model2 (slides)": "no network, no file"})
    return out, text


def cells(text: str, name: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} |") and "moods" not in line][:1]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_each_number_stands_in_its_column(report):
    _, text = report
    name, moods, slides, _, optimistic, _, honest, macro_f1, majority = cells(text, "slides-model1")
    assert (name, moods) == ("slides-model1", "happy, angry, sad, relaxed")
    assert slides == ".601 [.578, .623]"
    for found, right in ((optimistic, 16), (honest, 10)):
        expected = wilson_interval(right, 20)
        assert found == f".{right * 50:03d} [{expected.low:.3f}, {expected.high:.3f}]".replace("0.", ".")
    assert macro_f1.startswith(".")
    assert majority == ".250"
    assert cells(text, "slides-model2")[4] == "\N{EM DASH}"


def test_classical_baselines_are_scored_on_the_networks_songs(report):
    _, text = report
    assert cells(text, "majority")[6].startswith(".250 [")  # 5 of 20; with the other fold it were .625


def test_a_skewed_model_2_stands_beside_the_slides_number_and_says_its_mix(write_run, tmp_path):
    write_run("slides-model2-slidesmix", "artist", right=12, labels=THREE)
    text = write_baselines_report(tmp_path / "runs" / "baselines", tmp_path / "reports", {})
    assert cells(text, "slides-model2-slidesmix")[2].startswith(".740 [")
    assert "happy 20, angry 20, sad 20, drawn in the proportions of the slides' training songs" in text


def test_flattery_and_reasons_are_said(report):
    _, text = report
    assert "slides-model1: +30.0 points accuracy [" in text
    assert "picking the epoch on test adds +25.0 points to the last epoch" in text  # .75 in epoch 2, .5 in the last
    assert "OPTIMISTIC: the best epoch was picked on the test songs" in text
    assert "**slides-model2 (slides) left out**: no network, no file" in text
    assert "happy 20, angry 20, sad 20, relaxed 20; the slides sampled 2,500 a mood" in text
    assert text.count("SYNTHETIC") >= 2


def test_cross_tables_stand_side_by_side_with_their_axes(report):
    _, text = report
    (angry,) = [line for line in text.splitlines() if line.startswith("| true angry | 352")]
    counts = [int(cell) for cell in angry.strip("|").split("|")[1:]]
    assert counts[:4] == [352, 50, 21, 34]
    # Angry songs are 1, 5, 9, 13, 17; those not right go to the next label of the corpus' order, sad.
    assert counts[4:8] == [4, 0, 0, 1]
    assert counts[8:] == [3, 0, 0, 2]
    assert "rows true, columns predicted" in text
    assert "slides: angry | slides: happy | slides: relaxed | slides: sad | slides' protocol: angry" in text


def test_the_csv_is_unrounded_and_the_figure_is_there(report):
    out, _ = report
    rows = {(row["model"], row["protocol"]): row for row in csv.DictReader((out / "baselines.csv").open())}
    assert float(rows["slides-model1", "slides"]["accuracy"]) == 0.8
    assert float(rows["slides-model1", "artist"]["slides_accuracy_estimate"]) == 1_083 / 1_803
    assert rows["majority", "artist"]["slides_accuracy_estimate"] == ""
    assert (out / "learning_curves.pdf").read_bytes().startswith(b"%PDF")
    assert (out / "learning_curves.png").read_bytes().startswith(b"\x89PNG")
    assert "slides-model1" in (out / "baselines.tex").read_text()


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist; give a folder that an experiment wrote"):
        write_baselines_report(tmp_path / "runs", tmp_path / "reports", {})
