"""The only training loop, on accelerate: one process or many, CPU or GPU, resumable."""

import math
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from accelerate.utils import broadcast, set_seed
from jaxtyping import Float, Int
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from research.batch import SongSet
from research.labels import Targets
from research.losses.moods import mood_loss
from research.losses.objective import step_loss
from research.losses.tags import MoodAndTagLoss, TagLoss
from research.metrics.scoring import score_answers
from research.runs import RunFolder
from research.tracking.tracker import Tracker
from research.training.config import TrainConfig
from research.training.machine import make_accelerator
from research.training.progress import Progress
from research.training.schedules import OPTIMIZERS, averaged, steps_down, warmup_cosine

EVAL_BATCH = 16
PLAIN_LOSS = {"loss": "cross_entropy", "class_weights": "none", "label_smoothing": 0.0, "tag_loss": "bce"}
"""What is measured on validation songs, whatever is trained."""


@dataclass(frozen=True)
class Predictions:
    """Aligned arrays, ordered by row of the track table; every song exactly once."""

    rows: Int[np.ndarray, " n"]
    targets: Targets
    logits: Float[np.ndarray, "n labels"]


def fit(
    model: nn.Module,
    train: SongSet,
    valid: SongSet | None,
    config: TrainConfig,
    run: RunFolder,
    tracker: Tracker | None = None,
) -> Progress:
    """Train to the best epoch on `valid`; `model` holds those weights afterwards, `run` all that led there.

    Without `valid`, where all songs are to be learned from, the last epoch is kept.

    A run that was killed goes on from its last whole epoch and ends in the same bits (same CPUs and processes; some
    of a GPU's kernels sum in another order each time).

    Args:
        model: `model(batch) -> logits`, with `parameter_groups(learning_rate, weight_decay)` for the optimiser; where
            tags are learned, `start_tags_at(logits)`; where layers learn one by one, `unfreeze(n_layers)`.
        tracker: mirror of the run, in the main process only.

    Raises:
        ValueError: a loss that is unknown or lacks songs, a choice of epoch by what these labels have not, no epoch or
            no patience at all, a model that was trained before, or training that diverges.
    """
    if valid is None and config.select_by != "last":
        raise ValueError(f"no validation songs to select the epoch by {config.select_by}; set train.select_by last")
    if min(config.epochs, config.patience) < 1:
        raise ValueError(f"{config.epochs} epochs and a patience of {config.patience}; give at least 1 of each")
    if getattr(model, "_is_accelerate_prepared", False):  # accelerate would pass it through, and compute in fp32
        raise ValueError("this model was trained before; build a new one for each training")
    accelerator = make_accelerator(config)
    criterion = _criterion(train, config).to(accelerator.device)
    if train.n_tags:
        model.start_tags_at(criterion.start)
    loader = train.loader(config.batch_size)
    sampler = loader.batch_sampler
    optimizer = OPTIMIZERS[config.optimizer](model.parameter_groups(config.learning_rate, config.weight_decay))
    network, optimizer, loader = accelerator.prepare(model, optimizer, loader)
    schedule = _schedule(optimizer.optimizer, config, steps_per_epoch=math.ceil(len(loader) / config.accumulate))
    average = averaged(model, config.average)
    kept = average.module if average else model
    stateful = {"model": model, "optimizer": optimizer.optimizer, "schedule": schedule}
    if accelerator.scaler is not None:
        stateful["scaler"] = accelerator.scaler
    if average:
        stateful["averaged"] = average
    asked = {"side_loss": config.side_loss, "mixup": config.mixup, "swap_lyrics": config.augmentation.swap_lyrics}
    progress = _resume(run, stateful, tracker)
    bar = _progress_bar(run.path.name, config.epochs, len(train), progress.epoch, accelerator.is_main_process)
    while progress.epoch < config.epochs and progress.epoch - progress.best_epoch < config.patience:
        started, losses = time.perf_counter(), []
        train.epoch = sampler.epoch = progress.epoch
        _seed_epoch(config.seed, progress.epoch)
        if config.unfreeze_every:  # by epoch alone, so that a resumed run needs no memory of it
            model.unfreeze(progress.epoch // config.unfreeze_every)
        network.train()
        for batch in loader:
            with accelerator.accumulate(network):
                loss = step_loss(network, criterion, batch, **asked)
                accelerator.backward(loss)
                if accelerator.sync_gradients and config.clip_norm is not None:
                    accelerator.clip_grad_norm_(network.parameters(), config.clip_norm)
                optimizer.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients and not accelerator.optimizer_step_was_skipped:
                schedule.step()
                if average:
                    average.update_parameters(model)
            losses.append(loss.detach())
            bar.update(len(batch.target) * accelerator.num_processes)
        broadcast([*kept.buffers()])  # each process has its own means of norms; what is judged must be what is kept
        scores = {"train/loss": float(accelerator.reduce(torch.stack(losses).mean(), "mean"))}
        if valid is not None:
            scores |= _validate(kept, valid, config)
        watched = scores.get("valid/loss", scores["train/loss"])
        if not math.isfinite(watched):
            told = f"{run.path}: training diverged in epoch {progress.epoch + 1} (loss {watched})"
            raise ValueError(f"{told}; lower the learning rates, or set train.precision fp32")
        progress.add_epoch(scores, time.perf_counter() - started, config.select_by)
        if accelerator.is_main_process:
            _record_epoch(run, progress, kept, stateful, tracker)
        shown = "loss" if config.select_by == "last" else config.select_by
        told = {"train loss": f"{scores['train/loss']:.3f}"}
        if valid is not None:
            told |= {shown: f"{scores[f'valid/{shown}']:.3f}", "best": progress.best_epoch}
        bar.set_postfix(told, refresh=False)
    bar.close()
    accelerator.wait_for_everyone()
    run.load_weights(accelerator.unwrap_model(model, keep_fp32_wrapper=False))
    accelerator.free_memory()
    return progress


def predict(model: nn.Module, dataset: SongSet, config: TrainConfig) -> Predictions:
    """Logits for every song of `dataset` once, ordered by row, the same in every process."""
    accelerator = make_accelerator(config)
    loader = accelerator.prepare(dataset.loader(EVAL_BATCH))
    model.to(accelerator.device).eval()
    parts = []
    with torch.no_grad(), accelerator.autocast():
        for batch in loader:
            parts.append(accelerator.gather_for_metrics((batch.track_index, batch.target, model(batch))))
    rows, targets, logits = (torch.cat(part).cpu().numpy() for part in zip(*parts, strict=True))
    order = np.argsort(rows)
    assert np.array_equal(rows[order], np.sort(dataset.rows)), "a song was lost or doubled between processes"
    return Predictions(rows[order], targets[order], logits[order])


def _progress_bar(name: str, epochs: int, songs: int, epochs_done: int, is_main: bool) -> tqdm:
    return tqdm(
        desc=name,
        total=epochs * songs,
        initial=epochs_done * songs,
        unit="song",
        disable=not is_main,
        mininterval=0.2 if sys.stderr.isatty() else 20,  # a log file wants a line now and then
    )


def _criterion(train: SongSet, config: TrainConfig) -> nn.Module:
    n_moods, known = train.n_labels - train.n_tags, {"loss", "last"}
    known |= {"pr_auc", "roc_auc"} if train.n_tags else set()
    known |= {"macro_f1", "accuracy"} if n_moods else set()
    if config.select_by not in known:
        raise ValueError(f"select_by {config.select_by} is not measured on these labels; choose one of {sorted(known)}")
    targets = torch.from_numpy(train.targets)
    by_name = partial(mood_loss, config.loss, config.class_weights, config.label_smoothing)
    if not train.n_tags:
        return by_name(torch.bincount(targets, minlength=n_moods))
    tags = TagLoss(config.tag_loss, targets[:, n_moods:])
    if not n_moods:
        return tags
    return MoodAndTagLoss(by_name(targets[:, :n_moods].nansum(dim=0).long()), tags, n_moods)


def _schedule(optimizer: torch.optim.Optimizer, config: TrainConfig, steps_per_epoch: int) -> LambdaLR:
    if config.schedule == "step":
        return steps_down(optimizer, steps_per_epoch, config.step_epochs, config.step_factor)
    return warmup_cosine(optimizer, config.epochs * steps_per_epoch, config.warmup)


def _seed_epoch(seed: int, epoch: int) -> None:
    # A stream of its own for each epoch: a resumed run needs no stored generator state.
    set_seed(int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0]), device_specific=True)


def _validate(model: nn.Module, valid: SongSet, config: TrainConfig) -> dict[str, float]:
    found = predict(model, valid, config)
    # The same loss for every training, so that curves can be compared: no weights, no smoothing.
    loss = _criterion(valid, replace(config, **PLAIN_LOSS))(
        torch.from_numpy(found.logits), torch.from_numpy(found.targets)
    )
    scores = score_answers(found.targets, found.logits, valid.n_tags)
    return {"valid/loss": float(loss), **{f"valid/{name}": score for name, score in scores.items()}}


def _resume(run: RunFolder, stateful: Mapping[str, Any], tracker: Tracker | None) -> Progress:
    checkpoint = run.load_checkpoint()
    if checkpoint is None:
        return Progress()
    for name, part in stateful.items():
        part.load_state_dict(checkpoint[name])
    progress = Progress(**checkpoint["progress"])
    if tracker is not None:
        for row in progress.history:
            tracker.log_epoch(row)
    return progress


def _record_epoch(
    run: RunFolder, progress: Progress, kept: nn.Module, stateful: Mapping[str, Any], tracker: Tracker | None
) -> None:
    """Best weights first, checkpoint last: a kill in between repeats the epoch and writes the same again."""
    if progress.best_epoch == progress.epoch:
        run.save_weights(kept)
    run.write_history(progress.history)
    run.save_checkpoint({name: part.state_dict() for name, part in stateful.items()} | {"progress": asdict(progress)})
    if tracker is not None:
        tracker.log_epoch(progress.history[-1])
