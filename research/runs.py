"""The run folder: everything needed to reproduce a run and to score it; the only source of results.

config.json          configuration, corpus, seed, commit, environment; written first
metrics.jsonl        one line per epoch
model.safetensors    weights of the best epoch on validation
checkpoint.pt        state after the last epoch, deleted when the run is finished
artists.txt          whom the model learned from: artists of the training and validation songs
result.json          epochs, best epoch, songs trained on, cost
predictions.parquet  logits of every validation and test song; written last: its presence marks a finished run. Of a
                     model of all songs, those of its cross-validation, as of validation songs

In predictions.parquet `target` is the position of the mood in `labels` of config.json. Where tags were learned,
config.json names them as `tags`; `target` is then a list, aligned with `logits`: moods, then tags, 1 if the song has
the label, 0 if not, NaN if that is not known.
"""

import json
import platform
import secrets
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from filelock import FileLock, Timeout
from jaxtyping import Float, Int
from safetensors.torch import load_file, save_file
from torch import nn

from research.atomic import replacing, write_text
from research.labels import Targets
from research.metrics.scoring import score_answers
from research.splits.folds import Split
from research.tracks import TrackTable

CIRCUMSTANCES = ("id", "commit", "environment")
"""What may differ between the start of a run and its continuation."""
CORPUS_CIRCUMSTANCES = ("version", "command", "label_source")
"""What may differ in its corpus: how the table was made, and the source of its labels. The fingerprint covers its
content, the run's `met_labels` what the source of labels does to a run."""
ARTISTS = "artists.txt"
LOCK = ".lock"


class RunFolder:
    """One run on disk. Files are written completely or not at all."""

    def __init__(self, path: Path, config: Mapping[str, Any]):
        self.path = path
        self.config = dict(config)

    @classmethod
    def open(cls, path: Path, config: Mapping[str, Any]) -> "RunFolder":
        """Start a run, or resume an interrupted one.

        Args:
            path: the folder; made when missing.
            config: JSON values only; id, commit and environment are added here.

        Raises:
            ValueError: the folder contains a run with another configuration; names the difference.
        """
        config = json.loads(json.dumps(config))
        known = path / "config.json"
        if known.is_file():
            found = json.loads(known.read_text())
            before, config = _essence(found), _essence(config)
            if before != config:
                raise ValueError(f"{path} holds another run ({_difference(before, config)}); choose another --out")
            return cls(path, found)
        path.mkdir(parents=True, exist_ok=True)
        config |= {"id": secrets.token_hex(4), "commit": git_commit(), "environment": environment()}
        write_text(known, json.dumps(config, indent=1))
        return cls(path, config)

    @classmethod
    def load(cls, path: Path) -> "RunFolder":
        """An existing run.

        Raises:
            FileNotFoundError: no run there.
        """
        config = path / "config.json"
        if not config.is_file():
            inside = min(path.glob("*/config.json"), default=None)
            hint = f"a run inside it, such as {inside.parent}" if inside else "a folder that an experiment wrote"
            raise FileNotFoundError(f"{path} is no run folder: it has no config.json; give {hint}")
        return cls(path, json.loads(config.read_text()))

    @property
    def finished(self) -> bool:
        return (self.path / "predictions.parquet").is_file()

    @property
    def weights(self) -> Path:
        return self.path / "model.safetensors"

    def write_history(self, history: Sequence[Mapping[str, float]]) -> None:
        write_text(self.path / "metrics.jsonl", "".join(json.dumps(row) + "\n" for row in history))

    def save_weights(self, model: nn.Module) -> None:
        # Contiguous: safetensors refuses the channels-last layout that convolutions train in.
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
        with replacing(self.weights) as partial:
            save_file(state, partial)

    def load_weights(self, model: nn.Module) -> None:
        model.load_state_dict(load_file(self.weights))

    def save_checkpoint(self, state: Mapping[str, Any]) -> None:
        with replacing(self.path / "checkpoint.pt") as partial:
            torch.save(dict(state), partial)

    def load_checkpoint(self) -> dict[str, Any] | None:
        path = self.path / "checkpoint.pt"
        return torch.load(path, map_location="cpu", weights_only=True) if path.is_file() else None

    @property
    def artists(self) -> frozenset[str] | None:
        """Keys (`TrackTable.artist_keys`) of those whom the model learned from; None where it is not recorded."""
        path = self.path / ARTISTS
        return frozenset(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else None

    def write_artists(self, keys: Iterable[str]) -> None:
        write_text(self.path / ARTISTS, "".join(f"{key}\n" for key in sorted(set(keys))))

    def finish(self, predictions: pd.DataFrame, result: Mapping[str, float]) -> None:
        """Write the predictions, last of all, and delete what only resuming needs."""
        write_text(self.path / "result.json", json.dumps(dict(result), indent=1))
        with replacing(self.path / "predictions.parquet") as partial:
            predictions.to_parquet(partial, index=False)
        (self.path / "checkpoint.pt").unlink(missing_ok=True)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Lock the run folder `path` against other programs; it is created if missing.

    Raises:
        ValueError: another program writes it.
    """
    path.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path / LOCK)  # the system frees it when a program is killed
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise ValueError(f"{path} is being trained by another program; wait for it or choose another --out") from error
    try:
        yield
    finally:
        lock.release()


def describe_run(tracks: TrackTable, split: Split, *, name: str, group: str, n_folds: int, seed: int) -> dict[str, Any]:
    """What every run's configuration contains about corpus and split; the model adds what its answers depend on."""
    return {
        "name": name,
        "group": group,
        "corpus": {**asdict(tracks.corpus), "fingerprint": tracks.fingerprint, "songs": len(tracks)},
        "labels": tracks.corpus.labels,
        "protocol": split.protocol,
        "fold": split.fold,
        "n_folds": n_folds,
        "seed": seed,
    }


def prediction_frame(
    tracks: TrackTable,
    rows: Int[np.ndarray, " n"],
    logits: Float[np.ndarray, "n labels"],
    targets: Targets,
    *,
    split: str,
    fold: int,
    seed: int,
) -> pd.DataFrame:
    """The columns of `predictions.parquet` for some rows of the table."""
    artists = tracks.artist_keys
    return pd.DataFrame(
        {
            "track_id": tracks.frame["track_id"].iloc[rows].to_numpy(),
            "artist": [artists[row] for row in rows],
            "split": split,
            "fold": fold,
            "seed": seed,
            "target": list(targets),
            "logits": list(logits.astype(np.float32)),
        }
    )


def score_songs(test: pd.DataFrame, n_tags: int = 0) -> dict[str, float]:
    """Scores of one run's test predictions, without intervals; `research.reports` computes those, over all folds.

    Args:
        n_tags: how many of the last labels are tags.
    """
    return score_answers(np.stack(test["target"].to_numpy()), np.stack(test["logits"].to_numpy()), n_tags)


def git_commit() -> str | None:
    """Commit of this checkout, with "+changes" where files differ from it; None outside a checkout."""
    try:
        commit, status = (
            subprocess.run(
                ["git", *command], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
            ).stdout
            for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return commit.strip() + ("+changes" if status.strip() else "")


def environment() -> dict[str, str | int]:
    """What results may depend on besides the code."""
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.platform(),
        "device": device,
        "threads": torch.get_num_threads(),
    }


def _essence(config: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in config.items() if key not in CIRCUMSTANCES}
    if "corpus" in kept:
        kept["corpus"] = {key: value for key, value in kept["corpus"].items() if key not in CORPUS_CIRCUMSTANCES}
    return kept


def _difference(before: Mapping[str, Any], now: Mapping[str, Any], at: str = "") -> str:
    for key in [*before, *now]:
        old, new = before.get(key), now.get(key)
        if isinstance(old, dict) and isinstance(new, dict) and old != new:
            return _difference(old, new, f"{at}{key}.")
        if old != new:
            return f"{at}{key} was {old!r}, now {new!r}"
    raise AssertionError("called on equal configurations")
