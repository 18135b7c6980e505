"""Weights & Biases offline: what was logged is read back with W&B's own command, without a key or a network."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from research.runs import RunFolder
from research.tracking.tracker import Tracker, chosen_mode, track

LABELS = ["happy", "sad"]
HISTORY = [{"epoch": epoch, "train/loss": 1 / epoch, "valid/macro_f1": 0.25 * epoch} for epoch in (1, 2, 3)]
PREDICTIONS = pd.DataFrame(
    {
        "track_id": ["a", "b", "c"],
        "artist": ["x", "x", "y"],
        "target": [0, 1, 1],
        "logits": [[1.0, 0.0], [0.0, 2.0], [3.0, 0.5]],
    }
)


def inspect(folder: Path) -> tuple[dict, list[dict]]:
    """Summary and records of one offline run, as `wandb leet inspect` prints them."""
    command = [str(Path(sys.executable).parent / "wandb"), "leet", "inspect", "--json"]
    summary, records = (
        subprocess.run([*command, *more, str(folder)], capture_output=True, text=True, check=True).stdout
        for more in (["--summary"], [])
    )
    return json.loads(summary), [json.loads(line) for line in records.splitlines()]


def log_epochs(run: RunFolder, history: list[dict]) -> None:
    with track(run, group="main", tags=["toy", "fusion"]) as tracker:
        for row in history:
            tracker.log_epoch(row)
        if len(history) < 3:
            raise KeyboardInterrupt
        tracker.log_test(PREDICTIONS, LABELS, {"accuracy": 2 / 3})


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    """Interrupted after its first epoch, then run to its end; nothing in the environment or home decides the mode."""
    home = tmp_path_factory.mktemp("home")
    run = RunFolder.open(tmp_path_factory.mktemp("runs") / "fusion-fold0", {"seed": 7, "train": {"epochs": 3}})
    with pytest.MonkeyPatch.context() as patch:
        for name in ("WANDB_MODE", "WANDB_API_KEY"):
            patch.delenv(name, raising=False)
        for name in ("HOME", "WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
            patch.setenv(name, str(home))
        with pytest.raises(KeyboardInterrupt):
            log_epochs(run, HISTORY[:1])
        log_epochs(run, HISTORY)
    return run


@pytest.fixture(scope="module")
def mirrors(run) -> list[tuple[dict, list[dict]]]:
    return [inspect(folder) for folder in sorted((run.path / "wandb").glob("offline-run-*"))]


def test_the_id_outlives_a_resume(run, mirrors):
    assert [summary["run_id"] for summary, _ in mirrors] == [run.config["id"]] * 2
    assert [summary["exit_code"] for summary, _ in mirrors] == [1, 0]
    assert all(record["run"]["resume"] for _, records in mirrors for record in records if record["type"] == "run")


def test_the_config_is_the_run_folders(run, mirrors):
    summary = mirrors[1][0]
    assert {key: summary["config"][key] for key in run.config} == run.config
    assert (summary["name"], summary["tags"]) == ("fusion-fold0", ["toy", "fusion"])


def test_each_epoch_is_a_step_of_the_history(mirrors):
    steps = [record["history"] for record in mirrors[1][1] if record["type"] == "history"]
    assert [step["step"]["num"] for step in steps] == [1, 2, 3]
    assert [{key: step["item"][key] for key in HISTORY[0]} for step in steps] == HISTORY


def test_predictions_confusions_and_scores_are_there(run, mirrors):
    summary = mirrors[1][0]["summary"]
    assert summary["test/accuracy"] == 2 / 3
    matrix, table = (
        json.loads((run.path / "wandb" / "latest-run" / "files" / summary[name]["path"]).read_text())
        for name in ("test/confusion_matrix_table", "test/predictions")
    )
    assert matrix["columns"] == ["Actual", "Predicted", "nPredictions"]
    assert matrix["data"] == [["happy", "happy", 1], ["happy", "sad", 0], ["sad", "happy", 1], ["sad", "sad", 1]]
    assert table["columns"] == ["track_id", "artist", "true", "predicted", "logit happy", "logit sad"]
    assert table["data"] == [
        ["a", "x", "happy", "happy", 1, 0],
        ["b", "x", "sad", "sad", 0, 2],
        ["c", "y", "sad", "happy", 3, 0.5],
    ]


def test_files_of_wandb_stay_in_the_run_folder(run, mirrors):
    offline = [r["run"]["telemetry"]["feature"]["offline"] for _, records in mirrors for r in records if "run" in r]
    assert offline == [True, True]
    assert len(list((run.path / "wandb").glob("offline-run-*/*.wandb"))) == 2


@pytest.mark.parametrize(
    ("environment", "logins", "mode"),
    [
        ({}, None, "offline"),
        ({}, "machine elsewhere.org login a password b", "offline"),
        ({}, "machine api.wandb.ai login user password key", "online"),
        ({"WANDB_API_KEY": "key"}, None, "online"),
        ({"WANDB_API_KEY": "key", "WANDB_MODE": "disabled"}, None, "disabled"),
    ],
)
def test_online_only_with_a_key(environment, logins, mode, tmp_path, monkeypatch):
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    if logins:
        (tmp_path / ".netrc").write_text(logins)
        (tmp_path / ".netrc").chmod(0o600)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert chosen_mode() == mode


def test_tags_are_logged_by_name():
    class Run:
        def __init__(self):
            self.logged, self.summary = {}, {}

        def log(self, values):
            self.logged |= values

    predictions = PREDICTIONS.assign(target=[[1, 0, 1], [float("nan")] * 2 + [0], [0, 1, 1]], logits=[[1.0, 0, 2]] * 3)
    run = Run()
    Tracker(run).log_test(predictions, LABELS, {"pr_auc": 0.5}, tags=["calm"])
    assert run.summary == {"test/pr_auc": 0.5}
    table = run.logged["test/predictions"]
    assert table.columns == ["track_id", "artist", "true", "logit happy", "logit sad", "logit calm"]
    assert [row[2] for row in table.data] == ["happy, calm", "", "sad, calm"]
