"""The run folder: refuses another run, appears whole or not at all, and says where it comes from."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from research.runs import RunFolder, git_commit, held, prediction_frame

CONFIG = {"name": "fusion", "seed": 0, "train": {"epochs": 3, "augmentation": {"time_mask": 40}}}
PREDICTIONS = pd.DataFrame({"track_id": ["a", "b"], "split": "test", "target": [0, 1], "logits": [[1.0, 0.0]] * 2})


def test_a_run_is_taken_up_under_its_id(tmp_path):
    first, again = RunFolder.open(tmp_path / "run", CONFIG), RunFolder.open(tmp_path / "run", CONFIG)
    assert again.config == first.config == RunFolder.load(tmp_path / "run").config
    assert len(first.config["id"]) == 8
    assert RunFolder.open(tmp_path / "other", CONFIG).config["id"] != first.config["id"]
    assert {key: first.config[key] for key in CONFIG} == CONFIG
    assert first.config["environment"]["torch"] == torch.__version__


def test_a_run_goes_on_under_another_commit_and_torch(tmp_path):
    run = RunFolder.open(tmp_path, CONFIG)
    moved = run.config | {"commit": "0" * 40, "environment": {"torch": "0.1"}}
    (tmp_path / "config.json").write_text(json.dumps(moved))
    assert RunFolder.open(tmp_path, CONFIG).config == moved


def test_a_run_goes_on_when_its_corpus_was_made_again_to_the_same_songs(tmp_path):
    made = {"name": "qaed4", "version": "0.1.0", "command": "data_prep qaed4", "fingerprint": "a1"}
    run = RunFolder.open(tmp_path, CONFIG | {"corpus": made})
    again = made | {"version": "0.2.0", "command": "data_prep qaed4 --features", "label_source": ""}
    assert RunFolder.open(tmp_path, CONFIG | {"corpus": again}).config == run.config
    with pytest.raises(ValueError, match=r"corpus.fingerprint was 'a1', now 'b2'"):
        RunFolder.open(tmp_path, CONFIG | {"corpus": again | {"fingerprint": "b2"}})


def test_a_run_that_another_program_writes_is_left_to_it(tmp_path):
    run = tmp_path / "runs" / "run"
    refused = pytest.raises(ValueError, match=r"runs/run is being trained by another program; .* --out")
    with held(run), refused, held(run):
        raise AssertionError("both hold it")
    with held(run):
        RunFolder.open(run, CONFIG)


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (CONFIG | {"seed": 1}, "seed was 0, now 1"),
        (
            CONFIG | {"train": {"epochs": 3, "augmentation": {"time_mask": 0}}},
            r"train.augmentation.time_mask was 40, now 0",
        ),
        (CONFIG | {"processes": 2}, "processes was None, now 2"),
    ],
)
def test_another_configuration_is_refused_by_its_difference(tmp_path, other, difference):
    RunFolder.open(tmp_path, CONFIG)
    with pytest.raises(ValueError, match=rf"another run \({difference}\); choose another --out"):
        RunFolder.open(tmp_path, other)


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing is no run folder: it has no config.json"):
        RunFolder.load(tmp_path / "nothing")
    RunFolder.open(tmp_path / "group" / "fusion-fold0", CONFIG)
    with pytest.raises(FileNotFoundError, match=r"give a run inside it, such as .*group/fusion-fold0"):
        RunFolder.load(tmp_path / "group")


def test_the_commit_is_gits_own():
    root = Path(__file__).parent.parent
    said = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    if said.returncode:
        pytest.skip("not a git checkout")
    assert git_commit().removesuffix("+changes") == said.stdout.strip()


def test_weights_come_back_to_the_bit(tmp_path):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    model(torch.randn(2, 3, 8, 8))  # moves the running statistics
    run = RunFolder.open(tmp_path, CONFIG)
    run.save_weights(model)
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    run.load_weights(other)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in model.state_dict().items())


def test_history_keeps_every_digit(tmp_path):
    run = RunFolder.open(tmp_path, CONFIG)
    history = [{"epoch": 1, "train/loss": 1 / 3}, {"epoch": 2, "train/loss": 0.1 + 0.2}]
    run.write_history(history)
    assert [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()] == history


def test_finishing_drops_what_only_a_continuation_needs(tmp_path):
    run = RunFolder.open(tmp_path, CONFIG)
    run.save_checkpoint({"progress": {"epoch": 3}})
    assert run.load_checkpoint() == {"progress": {"epoch": 3}}
    assert not run.finished
    run.finish(PREDICTIONS, {"epochs": 3})
    assert run.finished
    assert run.load_checkpoint() is None
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "predictions.parquet"), PREDICTIONS)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.json", "predictions.parquet", "result.json"]


def test_half_written_predictions_are_not_finished(tmp_path, monkeypatch):
    run = RunFolder.open(tmp_path, CONFIG)
    run.save_checkpoint({"progress": {"epoch": 3}})

    def disk_full(frame, path, **options):
        Path(path).write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", disk_full)
    with pytest.raises(OSError, match="No space left"):
        run.finish(PREDICTIONS, {"epochs": 3})
    assert not run.finished
    assert run.load_checkpoint() is not None
    assert not list(tmp_path.glob("*.part"))


def test_a_failed_write_leaves_the_last_good_file(tmp_path, monkeypatch):
    run, model = RunFolder.open(tmp_path, CONFIG), nn.Linear(2, 2)
    run.save_weights(model)
    run.save_checkpoint({"progress": {"epoch": 1}})
    before = run.weights.read_bytes()

    def half_written(state, path):
        Path(path).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("research.runs.save_file", half_written)
    monkeypatch.setattr(torch, "save", half_written)
    with pytest.raises(OSError, match="No space left"):
        run.save_weights(nn.Linear(2, 2))
    with pytest.raises(OSError, match="No space left"):
        run.save_checkpoint({"progress": {"epoch": 2}})
    assert run.weights.read_bytes() == before
    assert run.load_checkpoint() == {"progress": {"epoch": 1}}


def test_predictions_name_their_songs(small_songs):
    rows, logits = np.array([4, 2]), np.arange(8, dtype=np.float64).reshape(2, 4)
    frame = prediction_frame(small_songs.tracks, rows, logits, np.array([1, 3]), split="test", fold=2, seed=5)
    assert frame["track_id"].tolist() == ["synthetic-00004", "synthetic-00002"]
    assert frame["artist"].tolist() == [small_songs.tracks.artist_keys[4], small_songs.tracks.artist_keys[2]]
    assert frame[["split", "fold", "seed", "target"]].to_numpy().tolist() == [["test", 2, 5, 1], ["test", 2, 5, 3]]
    assert np.array_equal(np.stack(frame["logits"]), logits)
