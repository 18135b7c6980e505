"""Is a mean of trained models better than the best of them? (paper: ensemble row)

Run: python experiments/ensemble.py runs/fusions-mirex runs/classical-mirex --out runs/ensemble-mirex
     --members audio lyrics audio-svm lyrics-tfidf
Reads finished runs only: the probabilities of the members, each run calibrated on its own validation songs, are
multiplied (a product of experts, Hinton 2002). Its answers are kept as runs of their own, one a seed, so that they are
compared as those of other models: to join the seeds of one model is a gain of another kind (`--join-seeds`).
Cost: 10 s with the report. Expected accuracy there, 2 seeds: .510; with --join-seeds .512; the best member .442.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tyro
from scipy.special import log_softmax

from experiments.compare import report
from research.command import run_command
from research.evaluation.calibration import fit_temperature
from research.reports.predictions import find_runs
from research.runs import RunFolder

ENSEMBLE, SEEDS_JOINED = "ensemble", "ensemble, seeds joined"


@dataclass(frozen=True, kw_only=True)
class Config:
    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders, or folders that hold them at any depth."""
    out: Path = Path("runs/ensemble")
    """One run folder a fold and seed."""
    members: tuple[str, ...] = ()
    """Models that take part, by the names in the tables; all when left out."""
    join_seeds: bool = False
    """Join all seeds of the members into one answer a fold, a model of its own name."""
    figures: bool = True
    """Draw them in the report."""


def member_runs(folders: Sequence[Path], names: Sequence[str]) -> list[RunFolder]:
    """Finished runs of the members.

    Raises:
        ValueError: a member of which no run is finished, or that learned tags.
    """
    runs = [RunFolder.load(folder) for root in folders for folder in find_runs(root)]
    finished = [run for run in runs if run.finished and run.config["name"] not in (ENSEMBLE, SEEDS_JOINED)]
    members = [run for run in finished if not names or run.config["name"] in names]
    if absent := sorted({*names} - {run.config["name"] for run in members}):
        found = sorted({run.config["name"] for run in finished})
        raise ValueError(f"no finished run of {', '.join(absent)} in {', '.join(map(str, folders))}; there are {found}")
    if tagging := [run.path for run in members if "tags" in run.config]:
        raise ValueError(f"{tagging[0]} learned tags; name members that learned moods alone by --members")
    if not members:
        raise ValueError(f"no finished run in {', '.join(map(str, folders))}; train first")
    return members


def runs_by_split(members: Sequence[RunFolder]) -> dict[tuple[str, int], list[RunFolder]]:
    """Members by protocol and fold.

    Raises:
        ValueError: a fold lacks a member, or a seed of it, that another fold of the protocol has.
    """
    splits: dict[tuple[str, int], list[RunFolder]] = {}
    for run in members:
        splits.setdefault((run.config["protocol"], run.config["fold"]), []).append(run)
    here = {split: {(run.config["name"], run.config["seed"]) for run in runs} for split, runs in splits.items()}
    for protocol, fold in splits:
        everywhere = set().union(*(found for (other, _), found in here.items() if other == protocol))
        if lacking := sorted(everywhere - here[protocol, fold]):
            told = ", ".join(f"{name} seed {seed}" for name, seed in lacking)
            raise ValueError(
                f"{protocol} fold {fold} lacks finished runs of {told}, so folds would be answered by different "
                "ensembles; finish them, or choose other --members"
            )
    return splits


def runs_by_seed(runs: Sequence[RunFolder]) -> dict[int, list[RunFolder]]:
    """Members of one split by seed; one that has a single seed stands under each.

    Seeds that only some of the others have are left out.

    Raises:
        ValueError: members of several seeds share none.
    """
    seeds = _seeds(runs)
    several = {name: found for name, found in seeds.items() if len(found) > 1}
    shared = set.intersection(*several.values()) if several else {min(set.union(*seeds.values()))}
    if not shared:
        raise ValueError(f"{', '.join(several)} share no seed; train them with the same ones, or name other members")
    return {
        seed: [run for run in runs if run.config["name"] not in several or run.config["seed"] == seed]
        for seed in sorted(shared)
    }


def describe_members(members: Sequence[RunFolder], in_every_seed: Sequence[str] = ()) -> dict[str, Any]:
    """What the configuration of a join says of its members; who multiplies flattered answers is flattered.

    Args:
        in_every_seed: those whose one seed joins each seed of the others.
    """
    said: dict[str, Any] = {"members": [str(run.path) for run in members]}
    if in_every_seed:
        said["in_every_seed"] = list(in_every_seed)
    if any(map(_picked_on_test, members)):
        said["selected_on"] = "test"
    if met := sorted({name for run in members for name in run.config.get("met_labels", ())}):
        said["met_labels"] = met
    return said


def members_in_every_seed(runs: Sequence[RunFolder]) -> list[str]:
    """Names of the members of one seed, where others have several."""
    seeds = _seeds(runs)
    alone = [name for name, found in seeds.items() if len(found) == 1]
    return alone if len(alone) < len(seeds) else []


def mean_answers(runs: Sequence[RunFolder], seed: int) -> pd.DataFrame:
    """Mean over members, and over the seeds of each, of calibrated log-probabilities, as rows of `predictions.parquet`.

    A run without validation songs, or whose validation songs are its test songs, is taken as it is, uncalibrated.

    Args:
        runs: on one split; those of one name are one member.
        seed: what the rows say.

    Raises:
        ValueError: the runs answered for different songs.
    """
    frames = [pd.read_parquet(run.path / "predictions.parquet").sort_values(["split", "track_id"]) for run in runs]
    first = frames[0]
    answers: dict[str, list[np.ndarray]] = {}
    for run, frame in zip(runs, frames, strict=True):
        if not np.array_equal(frame[["split", "track_id"]].to_numpy(), first[["split", "track_id"]].to_numpy()):
            raise ValueError(f"{run.path} and {runs[0].path} answer for different songs; give runs of one split")
        logits = np.stack(frame["logits"].to_numpy())
        valid = (frame["split"] == "valid").to_numpy()
        honest = valid.any() and not _picked_on_test(run)
        temperature = fit_temperature(logits[valid], frame["target"].to_numpy()[valid]) if honest else 1.0
        answers.setdefault(run.config["name"], []).append(log_softmax(logits / temperature, axis=1))
    members = [np.mean(seeds, axis=0) for seeds in answers.values()]
    return first.assign(seed=seed, logits=list(np.mean(members, axis=0).astype(np.float32)))


def _picked_on_test(run: RunFolder) -> bool:
    return run.config.get("selected_on") == "test"


def _seeds(runs: Sequence[RunFolder]) -> dict[str, set[int]]:
    """By member."""
    seeds: dict[str, set[int]] = {}
    for run in runs:
        seeds.setdefault(run.config["name"], set()).add(run.config["seed"])
    return seeds


def main(config: Config) -> None:
    name, stem = (SEEDS_JOINED, "joined") if config.join_seeds else (ENSEMBLE, ENSEMBLE)
    for (protocol, fold), runs in runs_by_split(member_runs(config.runs, config.members)).items():
        described = {key: runs[0].config[key] for key in ("corpus", "labels", "protocol", "fold", "n_folds")}
        described |= {"name": name, "group": config.out.name}
        alone = [] if config.join_seeds else members_in_every_seed(runs)
        for seed, members in ({0: runs} if config.join_seeds else runs_by_seed(runs)).items():
            own = {"seed": seed, **describe_members(members, alone)}
            run = RunFolder.open(config.out / f"{stem}-{protocol}-fold{fold}-seed{seed}", described | own)
            if not run.finished:
                run.finish(mean_answers(members, seed), {})
    report([*config.runs, config.out], Path("reports") / config.out.name, draw=config.figures)


if __name__ == "__main__":
    run_command(main, Config, __doc__)
