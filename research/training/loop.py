"""The only training loop, on accelerate: one process or many, CPU or GPU, resumable to the same bits."""

import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
from accelerate.utils import DataLoaderConfiguration, set_seed
from jaxtyping import Float, Int
from torch import nn
from torch.optim.lr_scheduler import LambdaLR
from tqdm import tqdm

from research.batch import SongSet
from research.data.dataset import Augmentation
from research.labels import Targets
from research.losses.moods import mood_loss
from research.losses.objective import step_loss
from research.losses.tags import MoodAndTagLoss, TagLoss
from research.metrics.scoring import score_answers
from research.models.precision import computes_bf16
from research.runs import RunFolder
from research.tracking import Tracker
from research.training.machine import allow_precision, allow_tf32, on_cpu
from research.training.progress import Progress
from research.training.schedules import OPTIMIZERS, averaged, steps_down, warmup_cosine

EVAL_BATCH = 16
Precision = Literal["auto", "fp32", "bf16", "fp16"]
PLAIN_LOSS = {"loss": "cross_entropy", "class_weights": "none", "label_smoothing": 0.0, "tag_loss": "bce"}
"""What is measured on validation songs, whatever is trained."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    epochs: int = 12
    """Upper bound; the rate follows its schedule over all of them."""
    batch_size: int = 16
    """Songs per process and step."""
    accumulate: int = 1
    """Steps whose gradients are summed before the weights move."""
    learning_rate: float = 3e-4
    """Peak rate of new layers; each encoder has its own in its config."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """sgd: with momentum 0.9."""
    weight_decay: float = 0.05
    unfreeze_every: int = 0
    """Epochs after which one more layer of each encoder learns, from the top, at first none; 0: all from the start."""
    schedule: Literal["cosine", "step"] = "cosine"
    """cosine: to zero, after a warm-up; step: down by `step_factor` every `step_epochs`."""
    warmup: float = 0.1
    """Share of all steps in which the rate climbs to its peak; of the cosine alone."""
    step_epochs: int = 7
    step_factor: float = 0.1
    clip_norm: float | None = 1.0
    """Longest gradient, over all parameters; None: as long as it is."""
    select_by: Literal["macro_f1", "accuracy", "pr_auc", "roc_auc", "loss", "last"] = "macro_f1"
    """What the best epoch is best in, on the validation songs; the areas are macro averages over tags. last: the last
    epoch, whatever the validation songs say."""
    patience: int = 6
    """Epochs without a better one after which training stops."""
    loss: str = "cross_entropy"
    """Of the mood: cross_entropy, focal or logit_adjusted."""
    class_weights: Literal["none", "balanced", "effective_number"] = "balanced"
    """Weight of each mood in the loss; balanced: rare moods count as much in sum as frequent ones."""
    label_smoothing: float = 0.1
    """Of the mood alone."""
    tag_loss: str = "bce"
    """Where tags are learned: bce, weighted_bce, focal or asymmetric."""
    side_loss: float = 0.0
    """Share of the loss that sound and words must answer for alone; 1: a mean of experts, joined only in the answer."""
    mixup: float = 0.0
    """Songs are mixed in pairs, with shares from Beta(mixup, mixup); of spectrograms and frozen encoders' vectors."""
    average: float = 0.0
    """Decay a step of the moving average of weights that is validated and kept, such as 0.99; 0 keeps the last weights.
    Source: Polyak & Juditsky 1992; Izmailov et al. 2018 (arXiv:1803.05407)."""
    precision: Precision = "auto"
    """auto: bf16 where the device computes in it, else fp32, whose products a GPU rounds to TF32. fp16 needs a GPU."""
    seed: int = 0
    augmentation: Augmentation = Augmentation()


@dataclass(frozen=True)
class Predictions:
    """Aligned arrays, ordered by row of the track table; every song exactly once."""

    rows: Int[np.ndarray, " n"]
    targets: Targets
    logits: Float[np.ndarray, "n labels"]


def fit(
    model: nn.Module,
    train: SongSet,
    valid: SongSet,
    config: TrainConfig,
    run: RunFolder,
    tracker: Tracker | None = None,
) -> Progress:
    """Train to the best epoch on `valid`; `model` holds those weights afterwards, `run` all that led there.

    A run that was killed goes on from its last whole epoch and ends in the same bits (same machine and processes).

    Args:
        model: `model(batch) -> logits`, with `parameter_groups(learning_rate, weight_decay)` for the optimiser; where
            tags are learned, `start_tags_at(logits)`; where layers learn one by one, `unfreeze(n_layers)`.
        tracker: mirror of the run, in the main process only.

    Raises:
        ValueError: a loss that is unknown or lacks songs, a choice of epoch by what these labels have not, no epoch or
            no patience at all, a model that was trained before, or training that diverges.
    """
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
        scores = {
            "train/loss": float(accelerator.reduce(torch.stack(losses).mean(), "mean")),
            **_validate(kept, valid, config),
        }
        if not math.isfinite(scores["valid/loss"]):
            told = f"{run.path}: training diverged in epoch {progress.epoch + 1} (loss {scores['valid/loss']})"
            raise ValueError(f"{told}; lower the learning rates, or set train.precision fp32")
        progress.add_epoch(scores, time.perf_counter() - started, config.select_by)
        if accelerator.is_main_process:
            _record_epoch(run, progress, kept, stateful, tracker)
        shown = "loss" if config.select_by == "last" else config.select_by
        told = {"train loss": f"{scores['train/loss']:.3f}", shown: f"{scores[f'valid/{shown}']:.3f}"}
        bar.set_postfix(told | {"best": progress.best_epoch}, refresh=False)
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


def process_state() -> PartialState:
    """The processes that `accelerate launch` gives; unlike an accelerator it fixes no precision yet.

    Raises:
        ValueError: several were launched, but each believes it is alone.
    """
    state, launched = PartialState(cpu=on_cpu()), int(os.environ.get("WORLD_SIZE", 1))
    if state.num_processes != launched:
        missing = f"{launched} processes were launched, but each runs alone; without GPUs set ACCELERATE_USE_CPU=true"
        raise ValueError(missing)
    return state


def make_accelerator(config: TrainConfig) -> Accelerator:
    """The device, precision and processes that `accelerate launch` (or plain python) gives.

    Raises:
        ValueError: fp16 without a GPU.
    """
    precision = {"fp32": "no", "auto": "bf16" if computes_bf16() else "no"}.get(config.precision, config.precision)
    if precision == "fp16" and not torch.cuda.is_available():
        raise ValueError("precision fp16 needs a GPU; use bf16, fp32 or auto")
    # A batch may hold no lyrics at all; then the lyrics encoder has no gradient in that step.
    handlers = [DistributedDataParallelKwargs(find_unused_parameters=True)]
    allow_precision(precision)
    allow_tf32()
    reading = DataLoaderConfiguration(non_blocking=True)
    settings = {"cpu": on_cpu(), "mixed_precision": precision, "gradient_accumulation_steps": config.accumulate}
    return Accelerator(**settings, dataloader_config=reading, kwargs_handlers=handlers)


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
