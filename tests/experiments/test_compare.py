"""The command from run folders to a written report."""

import json

import pandas as pd
import pytest

from experiments.compare import Config, find_runs, main
from research.reports import written


def write_run(folder, name, right):
    """A finished run on 20 songs by 10 artists, the first `right` of them right."""
    folder.mkdir(parents=True)
    corpus = {"name": "toy", "synthetic": False, "citation": "none", "fingerprint": "ab12"}
    config = {"corpus": corpus, "labels": ["happy", "sad"], "name": name, "protocol": "official", "fold": 0}
    (folder / "config.json").write_text(json.dumps(config | {"n_folds": 5, "seed": 0, "commit": None}))
    songs = pd.DataFrame({"track_id": [f"t{song}" for song in range(20)], "split": "test", "fold": 0, "seed": 0})
    songs["artist"] = [f"artist {song // 2}" for song in range(20)]
    songs["target"] = [song % 2 for song in range(20)]
    songs["logits"] = [
        [float(t != (song < right)), float(t == (song < right))] for song, t in enumerate(songs["target"])
    ]
    songs.to_parquet(folder / "predictions.parquet")
    return folder


@pytest.fixture
def group(tmp_path):
    write_run(tmp_path / "runs" / "fusion" / "audio-0", "audio", right=10)
    write_run(tmp_path / "runs" / "fusion" / "deeper" / "fusion-0", "fusion", right=18)
    return tmp_path / "runs" / "fusion"


@pytest.fixture(autouse=True)
def _without_figures(monkeypatch):
    """Drawing them takes seconds; tests/reports does."""
    monkeypatch.setattr(written, "write_figures", lambda scores, comparisons, folder: {})


def test_a_group_folder_becomes_a_report(group, tmp_path, capsys):
    out = tmp_path / "report"
    main(Config(runs=(group, group / "audio-0"), out=out, figures=False))  # a run named twice counts once
    printed = capsys.readouterr().out
    assert "fusion \N{DAGGER} official" in printed
    assert "only fold" not in printed  # the official split is one fold, though n_folds is 5
    assert ".900 [.699, .972]" in printed  # scipy.stats.binomtest(18, 20).proportion_ci(method="wilson")
    assert "fusion and audio cannot be told apart in accuracy (official): +40.0 points accuracy" in printed
    assert ".500 [" in (out / "comparison.md").read_text(encoding="utf-8")
    assert not [*out.glob("*.png"), *out.glob("*.pdf")]  # with figures: tests/reports/test_written.py
    assert "](" not in (out / "report.md").read_text(encoding="utf-8")


def test_the_report_is_named_after_the_group(group, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main(Config(runs=(group,), reference="fusion", figures=False))
    assert "- audio and fusion cannot be told" in (tmp_path / "reports" / "fusion" / "comparison.md").read_text("utf-8")


def test_files_inside_a_run_are_not_runs(group):
    encoder = group / "audio-0" / "encoder"
    encoder.mkdir()
    (encoder / "config.json").write_text("{}")  # as transformers writes beside its weights
    assert [run.name for run in find_runs(group)] == ["audio-0", "fusion-0"]


def test_folders_without_runs_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere does not exist; give a folder that an experiment wrote"):
        find_runs(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"holds no tested run .* run an experiment first"):
        find_runs(tmp_path)
    with pytest.raises(ValueError, match="no folder of runs given"):
        main(Config(runs=()))
