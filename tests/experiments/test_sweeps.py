"""Sweep files: every parameter is a real option with values that the program accepts."""

from pathlib import Path

import pytest
import tyro
import yaml

from experiments import sweep
from experiments.sweep import Config

SWEEPS = sorted(Path(sweep.__file__).parent.glob("sweeps/*.yaml"))


def command_lines(file: Path) -> list[list[str]]:
    """As an agent writes them: what stands fixed in `command`, then each value of each parameter at least once."""
    told = yaml.safe_load(file.read_text())
    fixed = told["command"][told["command"].index("${program}") + 1 : -1]
    values = {
        name: choice.get("values") or [choice[key] for key in ("value", "min", "max") if key in choice]
        for name, choice in told["parameters"].items()
    }
    longest = max(map(len, values.values()))
    return [fixed + [f"--{name}={some[i % len(some)]}" for name, some in values.items()] for i in range(longest)]


def parse(args: list[str]) -> Config:
    return tyro.cli(Config, args=args, config=(tyro.conf.AvoidSubcommands,))


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_every_parameter_is_an_option(file):
    lines = command_lines(file)
    assert len({parse(line) for line in lines}) == len(lines)


def test_a_parameter_that_is_no_option_is_noticed():
    with pytest.raises(SystemExit):
        parse(["--train.learning-rates=0.1"])


@pytest.mark.parametrize("file", SWEEPS, ids=lambda file: file.stem)
def test_the_program_exists_and_measures_what_is_searched(file):
    told = yaml.safe_load(file.read_text())
    assert (Path(sweep.__file__).parents[1] / told["program"]).is_file()
    assert told["metric"]["name"] == "valid/macro_f1"


def test_a_fold_that_is_not_there_is_refused(small_table, tiny_bert, small_inputs):
    args = [f"--tracks={small_table}", "--folds=3", "--fold=3", "--inputs.mel.n-mels=32"]
    with pytest.raises(ValueError, match="fold 3 is none of 0 to 2; lower fold or raise folds"):
        sweep.main(parse([*args, f"--model.lyrics.model={tiny_bert}", "--side=lyrics"]))


def test_a_trial_never_sees_test_songs(small_table, tiny_bert, small_inputs, tmp_path, monkeypatch):
    import pandas as pd

    from research.splits.folds import make_splits
    from research.tracks import read_tracks

    monkeypatch.setenv("WANDB_RUN_ID", "trial1")
    args = [
        f"--tracks={small_table}",
        f"--out={tmp_path}",
        "--folds=3",
        "--side=lyrics",
        "--train.epochs=1",
        "--inputs.mel.n-mels=32",
    ]
    sweep.main(parse([*args, "--inputs.mel.n-mels=32", f"--model.lyrics.model={tiny_bert}"]))
    seen = set(pd.read_parquet(tmp_path / "trial1/predictions.parquet")["track_id"])
    tracks = read_tracks(small_table)
    split = make_splits(tracks, "artist", 3, seed=0)[0]
    assert seen == set(tracks.frame["track_id"].iloc[split.valid])
