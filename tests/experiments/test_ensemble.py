"""Ensembles: which answers are joined, how, and what is refused."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax

from experiments import ensemble
from experiments.grid import STEADY, grid_splits, run_grid
from research.evaluation.calibration import fit_temperature
from research.runs import RunFolder
from research.trials import load_corpus

TRAIN = replace(STEADY, epochs=2)


def answers(folder: Path, split: str = "test") -> pd.DataFrame:
    frame = pd.read_parquet(folder / "predictions.parquet")
    return frame[frame["split"] == split].sort_values("track_id", ignore_index=True)


def test_an_ensemble_multiplies_calibrated_answers_of_one_seed(grid, model):
    grid = replace(grid, seeds=2)
    songs = load_corpus(grid.tracks, grid.inputs, model)
    kinds = {"audio": replace(model, lyrics=None), "experts": model, "other": replace(model, fusion="concat")}
    run_grid(grid, songs, grid_splits(grid, songs), {name: (kind, TRAIN) for name, kind in kinds.items()})
    for fold in (0, 1):  # as a classical baseline, which is fitted once
        shutil.rmtree(grid.out / f"audio-artist-fold{fold}-seed1")
    out = Path("runs/ensemble")
    config = ensemble.Config(runs=(grid.out,), members=("audio", "experts"), out=out, figures=False)
    ensemble.main(config)
    ensemble.main(replace(config, join_seeds=True))

    def calibrated(name: str, seed: int) -> np.ndarray:
        folder = grid.out / f"{name}-artist-fold1-seed{seed}"
        valid = answers(folder, "valid")
        temperature = fit_temperature(np.stack(valid["logits"]), valid["target"].to_numpy())
        return log_softmax(np.stack(answers(folder)["logits"]) / temperature, axis=1)

    audio, experts = calibrated("audio", 0), [calibrated("experts", seed) for seed in (0, 1)]
    for folder, expected in (
        ("ensemble-artist-fold1-seed0", (audio + experts[0]) / 2),
        ("ensemble-artist-fold1-seed1", (audio + experts[1]) / 2),
        ("joined-artist-fold1-seed0", (audio + np.mean(experts, axis=0)) / 2),
    ):
        found = np.stack(answers(out / folder)["logits"])
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)  # kept as float32
    config_of = RunFolder.load(out / "ensemble-artist-fold1-seed1").config
    assert config_of["in_every_seed"] == ["audio"]
    assert [Path(member).name for member in config_of["members"]] == [
        "audio-artist-fold1-seed0",
        "experts-artist-fold1-seed1",
    ]
    table = (Path("reports/ensemble") / "comparison.md").read_text()
    assert "| ensemble | artist | 45 | 2 |" in table
    assert "| ensemble, seeds joined \N{DAGGER} | artist | 45 | 1 |" in table
    assert "the one seed of audio is in each of them" in table
    with pytest.raises(ValueError, match="no finished run of nobody"):
        ensemble.main(replace(config, members=("nobody",)))


def test_members_are_joined_by_the_seeds_they_share(tmp_path):
    def runs(**seeds: list[int]) -> list[RunFolder]:
        return [
            RunFolder(tmp_path / f"{name}{seed}", {"name": name, "seed": seed})
            for name, found in seeds.items()
            for seed in found
        ]

    def joined(**seeds: list[int]) -> dict[int, list[str]]:
        return {seed: [run.path.name for run in found] for seed, found in ensemble.runs_by_seed(runs(**seeds)).items()}

    assert joined(a=[0, 1, 2], b=[1, 2, 3], c=[7]) == {1: ["a1", "b1", "c7"], 2: ["a2", "b2", "c7"]}
    assert joined(a=[5], c=[7]) == {5: ["a5", "c7"]}
    assert ensemble.members_in_every_seed(runs(a=[0, 1], c=[7])) == ["c"]
    assert ensemble.members_in_every_seed(runs(a=[5], c=[7])) == []
    with pytest.raises(ValueError, match="a, b share no seed; train them with the same ones"):
        joined(a=[0, 1], b=[2, 3], c=[0])


def test_an_ensemble_is_the_same_in_every_fold_and_as_flattered_as_its_members(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ensemble, "report", lambda *_, draw: None)

    def run(name: str, fold: int, **said) -> RunFolder:
        config = {"name": name, "protocol": "artist", "fold": fold, "n_folds": 2, "seed": 0, "labels": ["a", "b"]}
        corpus = {"name": "toy", "synthetic": True, "citation": "none", "fingerprint": "ab12"}
        opened = RunFolder.open(Path("runs/toy") / f"{name}-fold{fold}", {**config, "corpus": corpus, **said})
        frame = pd.DataFrame({"track_id": [f"t{fold}{n}" for n in range(4)], "artist": list("wxyz")})
        frame = frame.assign(target=[0, 1] * 2, logits=[[1.0, 0.0], [0.5, 0.0]] * 2)
        # As where the epoch was picked on test songs, both parts are the same: no temperature may be fitted to them.
        opened.finish(pd.concat([frame.assign(split=part, fold=fold, seed=0) for part in ("valid", "test")]), {})
        return opened

    for name, fold in (("sound", 0), ("words", 0), ("sound", 1)):
        run(name, fold, selected_on="test", met_labels=["musicnn-msd"] if name == "sound" else [])
    config = ensemble.Config(runs=(Path("runs/toy"),), out=Path("runs/ensemble"))
    with pytest.raises(ValueError, match="artist fold 1 lacks finished runs of words seed 0, so folds would be"):
        ensemble.main(config)
    run("words", 1, selected_on="test")
    ensemble.main(config)
    found = RunFolder.load(config.out / "ensemble-artist-fold1-seed0")
    assert (found.config["selected_on"], found.config["met_labels"]) == ("test", ["musicnn-msd"])
    logits = np.stack(answers(found.path)["logits"])
    np.testing.assert_allclose(logits, log_softmax([[1.0, 0.0], [0.5, 0.0]] * 2, axis=1), atol=1e-6)  # float32
    run("words", 2, tags=["calm"])
    with pytest.raises(ValueError, match="words-fold2 learned tags; name members that learned moods alone"):
        ensemble.main(config)
