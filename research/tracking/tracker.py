"""A run's mirror in Weights & Biases, updated while it trains.

Offline unless a key is set (WANDB_API_KEY, or `wandb login` once); never asks to log in. WANDB_MODE takes precedence.
"""

import netrc
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import wandb

from research.runs import RunFolder

PROJECT = "music-mood-fusion"
PREDICTIONS = "test/predictions"


class Tracker:
    """One run's mirror."""

    def __init__(self, run: wandb.Run):
        self._run = run

    def log_epoch(self, metrics: Mapping[str, float]) -> None:
        """One row of a run's history; its "epoch" is the step."""
        self._run.log(dict(metrics), step=int(metrics["epoch"]))

    def log_test(
        self, predictions: pd.DataFrame, labels: Sequence[str], scores: Mapping[str, float], tags: Sequence[str] = ()
    ) -> None:
        """Confusion matrix, table of predictions, and scores as summary; given the run's test predictions."""
        self._run.summary.update({f"test/{name}": score for name, score in scores.items()})
        if tags:
            self._log_tags(predictions, [*labels, *tags])
            return
        logits = np.stack(predictions["logits"].to_numpy())
        targets, guesses = predictions["target"].to_numpy(), logits.argmax(axis=1)
        table = wandb.Table(
            columns=["track_id", "artist", "true", "predicted", *(f"logit {label}" for label in labels)],
            data=[
                [track_id, artist, labels[target], labels[guess], *map(float, row)]
                for track_id, artist, target, guess, row in zip(
                    predictions["track_id"], predictions["artist"], targets, guesses, logits, strict=True
                )
            ],
        )
        matrix = wandb.plot.confusion_matrix(y_true=targets, preds=guesses, class_names=list(labels))
        self._run.log({"test/confusion_matrix": matrix, PREDICTIONS: table})

    def _log_tags(self, predictions: pd.DataFrame, labels: Sequence[str]) -> None:
        """Table of predictions where a song has any number of labels."""
        rows = zip(*(predictions[name] for name in ("track_id", "artist", "target", "logits")), strict=True)
        table = wandb.Table(
            columns=["track_id", "artist", "true", *(f"logit {label}" for label in labels)],
            data=[
                [track_id, artist, ", ".join(np.array(labels)[np.asarray(truth) == 1]), *map(float, logits)]
                for track_id, artist, truth, logits in rows
            ],
        )
        self._run.log({PREDICTIONS: table})


@contextmanager
def track(run: RunFolder, *, group: str, tags: Sequence[str]) -> Iterator[Tracker]:
    """Mirror a run while it trains; its id outlives a resume, its files lie under the run folder."""
    config: dict[str, Any] = run.config
    mirror = wandb.init(
        project=os.environ.get("WANDB_PROJECT", PROJECT),
        # The agent of a sweep names the run it starts; elsewhere the variable would give all runs of a grid one id.
        id=os.environ["WANDB_RUN_ID"] if os.environ.get("WANDB_SWEEP_ID") else config["id"],
        name=run.path.name,
        group=group,
        tags=list(tags),
        config=config,
        dir=run.path.resolve(),  # W&B's service keeps the working directory it was started in
        mode=chosen_mode(),
        resume="allow",
        settings=wandb.Settings(console="off", silent=True),
    )
    try:
        yield Tracker(mirror)
    except BaseException:
        mirror.finish(exit_code=1)
        raise
    mirror.finish()


def chosen_mode() -> str:
    """What W&B is to be: online, offline or disabled."""
    chosen = os.environ.get("WANDB_MODE")
    if chosen:
        return chosen
    return "online" if os.environ.get("WANDB_API_KEY") or _logged_in() else "offline"


def _logged_in() -> bool:
    server = os.environ.get("WANDB_BASE_URL")
    # Where `wandb login` has written to, now and in earlier years.
    hosts = [urlsplit(server or wandb.Settings().base_url).netloc, *([] if server else ["api.wandb.ai"])]
    try:
        logins = netrc.netrc()
    except (FileNotFoundError, netrc.NetrcParseError):
        return False
    return any(logins.authenticators(host) for host in hosts)
