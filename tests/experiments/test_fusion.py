"""The main job end to end: its table, a kill in the middle of an epoch, two processes, W&B offline."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tyro
from scipy.special import logsumexp

from experiments.fusion import Config, main
from research.metrics.moods import accuracy, macro_f1
from research.runs import score_songs
from research.splits.folds import official_split
from research.tracks import read_tracks

BIN, ROOT = Path(sys.executable).parent, Path(__file__).parents[2]
MODELS = ("audio", "lyrics", "fusion")
KILL_IN_SECOND_EPOCH = """
import os, signal
from pathlib import Path
import tyro
from experiments.fusion import Config, main
from research.data.dataset import SongDataset

read, batches = SongDataset.__getitems__, []

def read_or_die(songs, positions):
    if songs.augmentation and songs.epoch == 1 and songs.has_audio.any() and songs.has_lyrics.any():
        batches.append(positions)
        if len(batches) == 3:  # one batch is read ahead: the first step of the epoch is done
            os.kill(os.getpid(), signal.SIGKILL)
    return read(songs, positions)

SongDataset.__getitems__ = read_or_die
main(tyro.cli(Config, config=(tyro.conf.AvoidSubcommands,)))
"""

VALIDATE_IN_BOTH = """
import torch
import tyro
from experiments.fusion import Config, main
from research.training import loop, machine

loop.EVAL_BATCH = 2  # of four songs each process has a batch
main(tyro.cli(Config, config=(tyro.conf.AvoidSubcommands,)))
assert torch.distributed.group.WORLD._get_backend(torch.device("cpu")).options._timeout == machine.WAIT
"""


@pytest.fixture(scope="module")
def flags(small_table, tiny_bert) -> list[str]:
    """The command line of a main job that takes seconds."""
    settings = {
        "--tracks": small_table,
        "--protocol": "official",
        "--inputs.mel.n-mels": 32,
        "--inputs.window-frames": 72,
        "--inputs.eval-windows": 2,
        "--inputs.max-tokens": 16,
        "--model.lyrics.model": tiny_bert,
        "--model.dim": 16,
        "--train.epochs": 2,
        "--train.batch-size": 4,
    }
    return [str(word) for pair in settings.items() for word in pair]


def run_here(flags: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> None:
    """`main` in this process and in `folder`, to spare the imports of another one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        main(tyro.cli(Config, args=flags, config=(tyro.conf.AvoidSubcommands,)))


@pytest.fixture(scope="module")
def whole(flags, tmp_path_factory) -> Path:
    """Folder of an uninterrupted job."""
    folder = tmp_path_factory.mktemp("whole")
    run_here(flags, folder)
    return folder


@pytest.fixture(scope="module")
def resumed(flags, tmp_path_factory) -> Path:
    """Folder of a job that was killed while fusion was in its second epoch, and run again with W&B offline."""
    folder = tmp_path_factory.mktemp("resumed")
    killed = subprocess.run([sys.executable, "-c", KILL_IN_SECOND_EPOCH, *flags], cwd=folder, env=path_to_root())
    assert killed.returncode == -signal.SIGKILL
    fusion = folder / "runs" / "fusion" / "fusion-fold0-seed0"
    assert len((fusion / "metrics.jsonl").read_text().splitlines()) == 1
    assert not (fusion / "predictions.parquet").exists()
    run_here(flags, folder, {"WANDB_MODE": "offline", "WANDB_DATA_DIR": str(folder), "WANDB_CACHE_DIR": str(folder)})
    return folder


def path_to_root() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run_folder(job: Path, model: str) -> Path:
    return job / "runs" / "fusion" / f"{model}-fold0-seed0"


@pytest.mark.parametrize("model", MODELS)
def test_a_killed_job_ends_in_the_same_bits(whole, resumed, model):
    expected, found = run_folder(whole, model), run_folder(resumed, model)
    for name in ("model.safetensors", "metrics.jsonl"):
        assert (found / name).read_bytes() == (expected / name).read_bytes(), name
    predictions = [pd.read_parquet(folder / "predictions.parquet") for folder in (expected, found)]
    pd.testing.assert_frame_equal(*predictions, check_exact=True)
    assert json.loads((found / "result.json").read_text())["epochs"] == 2


def test_the_mirror_of_a_resumed_run_is_complete(resumed):
    run = run_folder(resumed, "fusion")
    (mirror,) = (run / "wandb").glob("offline-run-*")
    inspect = [str(BIN / "wandb"), "leet", "inspect", "--json", str(mirror)]
    printed = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout
    records = [json.loads(line) for line in printed.splitlines()]
    history = [record["history"]["item"] for record in records if record["type"] == "history"]
    epochs = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [{key: step[key] for key in epochs[0]} for step in history] == epochs
    (config,) = (record["run"] for record in records if record["type"] == "run")
    assert config["run_id"] == json.loads((run / "config.json").read_text())["id"]
    summary = {key: value for r in records if r["type"] == "summary" for key, value in r["summary"]["update"].items()}
    test = pd.read_parquet(run / "predictions.parquet").query("split == 'test'")
    assert {name: summary[f"test/{name}"] for name in score_songs(test)} == score_songs(test)
    assert {"test/confusion_matrix_table.path", "test/predictions.path"} <= set(summary)


def test_the_report_compares_sides_and_fusion(whole):
    report = pd.read_csv(whole / "reports" / "fusion" / "comparison.csv")
    assert sorted(report["model"]) == sorted(MODELS)
    for model, reported in zip(report["model"], report["accuracy"], strict=True):
        test = pd.read_parquet(run_folder(whole, model) / "predictions.parquet").query("split == 'test'")
        right = np.stack(test["logits"].to_list()).argmax(axis=1) == test["target"]
        assert reported == pytest.approx(right.mean(), abs=1e-12)
    assert "synthetic" in (whole / "reports" / "fusion" / "comparison.md").read_text(encoding="utf-8").lower()


def test_a_second_call_trains_nothing(whole, flags, capsys):
    before = {path: path.stat().st_mtime_ns for path in (whole / "runs").rglob("*")}
    run_here(flags, whole)
    assert {path: path.stat().st_mtime_ns for path in (whole / "runs").rglob("*")} == before
    assert capsys.readouterr().out.count("finished before, kept") == 3


def test_folds_test_every_song_once(flags, small_table, tmp_path):
    run_here([*flags, "--protocol", "artist", "--folds", "2", "--train.epochs", "1"], tmp_path)
    runs = tmp_path / "runs" / "fusion"
    assert sorted(run.name for run in runs.iterdir()) == sorted(
        f"{model}-fold{k}-seed0" for model in MODELS for k in (0, 1)
    )
    tests = pd.concat(pd.read_parquet(runs / f"fusion-fold{k}-seed0" / "predictions.parquet") for k in (0, 1))
    tests = tests[tests["split"] == "test"]
    assert sorted(tests["track_id"]) == sorted(read_tracks(small_table).frame["track_id"])
    # A song of one fold's test is another's training: their artists never meet.
    assert tests.groupby("artist")["fold"].nunique().max() == 1


def test_two_processes_predict_every_song_once(flags, small_table, tmp_path):
    launch = ["launch", "--config_file", str(ROOT / "experiments" / "two_processes.yaml")]
    script = tmp_path / "fusion.py"
    script.write_text(VALIDATE_IN_BOTH)
    subprocess.run(
        [str(BIN / "accelerate"), *launch, str(script), *flags, "--train.epochs", "1"],
        cwd=tmp_path,
        env={**path_to_root(), "OMP_NUM_THREADS": "1"},
        check=True,
    )
    tracks = read_tracks(small_table)
    split = official_split(tracks)
    assert len(split.test) == 23  # twelve batches of two: the last one filled up and cut again
    for model in MODELS:
        run = run_folder(tmp_path, model)
        assert json.loads((run / "config.json").read_text())["processes"] == 2
        predictions = pd.read_parquet(run / "predictions.parquet")
        for name, rows in (("valid", split.valid), ("test", split.test)):
            found = predictions.loc[predictions["split"] == name, "track_id"]
            assert found.tolist() == tracks.frame["track_id"].iloc[np.sort(rows)].tolist()
        valid = predictions[predictions["split"] == "valid"]
        logits, targets = np.stack(valid["logits"].to_list()), valid["target"].to_numpy()
        guesses, own = logits.argmax(axis=1), logits[np.arange(len(logits)), targets]
        best = json.loads((run / "result.json").read_text())["best_epoch"]
        logged = json.loads((run / "metrics.jsonl").read_text().splitlines()[best - 1])
        assert logged["valid/accuracy"] == accuracy(targets, guesses)
        assert logged["valid/macro_f1"] == macro_f1(targets, guesses)
        # Both processes must have validated the weights and norms that the main one kept; float32 of order 1.
        assert logged["valid/loss"] == pytest.approx(float((logsumexp(logits, axis=1) - own).mean()), abs=1e-5)
