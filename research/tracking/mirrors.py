"""A group of runs in Weights & Biases: compared with their folders, downloaded into new ones, reports logged back."""

import json
import math
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import wandb

from research.atomic import write_text
from research.runs import RunFolder, score_songs
from research.splits.folds import ALL
from research.tracking.tracker import PREDICTIONS, PROJECT, chosen_mode

IDENTITY = ("name", "protocol", "fold", "n_folds", "seed", "labels", "commit")
"""Of a configuration: what a run and its mirror must agree in, beside the corpus' fingerprint."""
ROUNDING = 1e-6
"""A score went through text on its way."""


@dataclass(frozen=True)
class Place:
    """A group of runs in W&B."""

    project: str
    """PROJECT, or ENTITY/PROJECT."""
    group: str

    @classmethod
    def parse(cls, text: str) -> "Place":
        """From "PROJECT/GROUP" or "ENTITY/PROJECT/GROUP".

        Raises:
            ValueError: neither of the two.
        """
        parts = text.split("/")
        if len(parts) not in (2, 3) or not all(parts):
            raise ValueError(f"--wandb {text}: give PROJECT/GROUP or ENTITY/PROJECT/GROUP, such as {PROJECT}/fusion")
        return cls("/".join(parts[:-1]), parts[-1])

    def __str__(self) -> str:
        return f"{self.project}/{self.group}"


@dataclass(frozen=True, eq=False)
class Mirror:
    """A run as W&B has it."""

    name: str
    config: Mapping[str, Any]
    summary: Mapping[str, Any]
    source: Any
    """The API's own object, which files are downloaded through."""


def can_read() -> bool:
    """May W&B be asked? False where WANDB_MODE=offline wants it so: then what is logged waits for `wandb sync`.

    Raises:
        ValueError: no key; says what to set.
    """
    if chosen_mode() == "online":
        return True
    if os.environ.get("WANDB_MODE") == "offline":
        return False
    raise ValueError(
        "--wandb needs a key: set WANDB_API_KEY (or run `wandb login` once), or WANDB_MODE=offline to read nothing and "
        "keep the report for `wandb sync`"
    )


def read_mirrors(place: Place) -> list[Mirror]:
    """The training runs of a group, by name; needs key and network.

    Raises:
        ValueError: no such group, or W&B refuses.
    """
    try:
        found = list(wandb.Api().runs(place.project, filters={"group": place.group}, lazy=False))
    except (wandb.Error, ValueError) as error:
        said = str(error).rstrip(".")
        raise ValueError(f"W&B cannot read {place}: {said}; check the name, WANDB_API_KEY and the network") from error
    # Reports lie in the group too, and only run folders have an id of their own; models of all songs were not tested.
    tested = [run for run in found if "id" in run.config and run.config.get("protocol") != ALL]
    mirrors = [Mirror(run.name, run.config, dict(run.summary), run) for run in tested]
    if not mirrors:
        raise ValueError(f"W&B has no run in {place}; send runs with `wandb sync RUN/wandb/offline-run-*`")
    return sorted(mirrors, key=lambda mirror: mirror.name)


def mirror_differences(mirrors: Sequence[Mirror], folders: Sequence[Path]) -> list[str]:
    """A sentence on each thing in which W&B and the run folders disagree; empty where they agree.

    Runs meet by the id in their configuration. Scores are computed anew from the folder's predictions.
    """
    by_id = {mirror.config["id"]: mirror for mirror in mirrors}
    runs = {run.config["id"]: run for run in map(RunFolder.load, folders)}
    sentences = []
    if missing := [run.path.name for identity, run in runs.items() if identity not in by_id]:
        how = "send them with `wandb sync RUN/wandb/offline-run-*`"
        sentences.append(f"W&B lacks {len(missing)} of {len(runs)} runs ({', '.join(missing)}); {how}")
    if surplus := [mirror.name for identity, mirror in by_id.items() if identity not in runs]:
        sentences.append(f"W&B has {len(surplus)} runs that are in no folder given ({', '.join(surplus)})")
    for identity, run in runs.items():
        if identity in by_id:
            sentences += _disagreements(run, by_id[identity])
    return sentences


def fetch_runs(mirrors: Sequence[Mirror], folder: Path) -> list[Path]:
    """Write run folders of what W&B has: configuration and answers to test songs, without weights or validation songs.

    One that W&B has no answers of becomes an unfinished run.

    Raises:
        ValueError: a table that is too long for W&B to keep whole, or runs that learned tags.
    """
    # Anybody of the project may rename a run: a name must not lead out of the folder, nor two runs into one.
    names = [re.sub(r"[^\w.-]", "_", f"{mirror.name}-{mirror.config['id']}") for mirror in mirrors]
    return [_fetch(mirror, folder / name) for mirror, name in zip(mirrors, names, strict=True)]


def log_report(
    place: Place,
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    figures: Mapping[str, Path],
    sentences: Sequence[str],
) -> None:
    """Log a comparison as one run of the group, of job type "report".

    Args:
        folder: where W&B keeps its files; offline they wait there for `wandb sync`.
        figures: pictures by name.
        sentences: what the comparison found.
    """
    entity, _, project = place.project.rpartition("/")
    run = wandb.init(
        project=project,
        entity=entity or None,
        group=place.group,
        name=f"report of {place.group}",
        job_type="report",
        notes="\n".join(sentences),
        dir=folder.resolve(),
        mode=chosen_mode(),
        settings=wandb.Settings(console="off", silent=True),
    )
    cells = {name: frame.astype(object).where(frame.notna(), None) for name, frame in tables.items()}
    run.log(
        {f"tables/{name}": wandb.Table(dataframe=frame, allow_mixed_types=True) for name, frame in cells.items()}
        | {f"figures/{name}": wandb.Image(str(path)) for name, path in figures.items()}
    )
    run.finish()


def _disagreements(run: RunFolder, mirror: Mirror) -> Iterator[str]:
    known = {key: (mirror.config.get(key), run.config.get(key)) for key in IDENTITY}
    known["corpus"] = tuple(config.get("corpus", {}).get("fingerprint") for config in (mirror.config, run.config))
    for key, (theirs, ours) in known.items():
        if theirs != ours:
            yield f"{run.path.name}: W&B has {key} {theirs}, its folder {ours}"
    if not run.finished:
        return
    predictions = pd.read_parquet(run.path / "predictions.parquet")
    n_tags = len(run.config.get("tags", ()))
    for name, ours in score_songs(predictions[predictions["split"] == "test"], n_tags).items():
        theirs = mirror.summary.get(f"test/{name}")
        if theirs is None or not math.isclose(theirs, ours, abs_tol=ROUNDING):
            yield f"{run.path.name}: W&B has test/{name} {theirs}, its folder's predictions give {ours:.6f}"


def _fetch(mirror: Mirror, folder: Path) -> Path:
    config = dict(mirror.config)
    if "tags" in config:
        raise ValueError(f"{mirror.name} learned tags; experiments/multilabel.py reports its run folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "config.json", json.dumps(config, indent=1))
    kept = mirror.summary.get(PREDICTIONS)
    if not kept:
        return folder
    with tempfile.TemporaryDirectory() as scratch, mirror.source.file(kept["path"]).download(root=scratch) as file:
        table = json.load(file)
    if len(table["data"]) >= wandb.Table.MAX_ROWS:
        raise ValueError(f"{mirror.name}: W&B keeps no more than {wandb.Table.MAX_ROWS:,} rows; compare its run folder")
    frame = pd.DataFrame(table["data"], columns=table["columns"])
    labels = list(config["labels"])
    logits = frame[[f"logit {label}" for label in labels]].to_numpy(dtype=np.float32)
    predictions = frame[["track_id", "artist"]].assign(
        split="test",
        fold=config["fold"],
        seed=config["seed"],
        target=frame["true"].map(labels.index),
        logits=list(logits),
    )
    RunFolder(folder, config).finish(predictions, result={})
    return folder
