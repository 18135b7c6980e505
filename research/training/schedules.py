"""Optimisers, learning-rate schedules, and weight averaging."""

import math
from collections.abc import Sequence

from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

MOMENTUM = 0.9


def adamw(groups: Sequence[dict]) -> Optimizer:
    return AdamW(groups, fused=True)


def sgd(groups: Sequence[dict]) -> Optimizer:
    return SGD(groups, momentum=MOMENTUM)


OPTIMIZERS = {"adamw": adamw, "sgd": sgd}


def warmup_cosine(optimizer: Optimizer, steps: int, warmup: float) -> LambdaLR:
    """Climb in a straight line over the first share of all steps, then half a cosine down to zero.

    Args:
        steps: of the whole training.
        warmup: share of the steps, 0 to 1.
    """
    n_warmup = max(1, round(warmup * steps))

    def rate(step: int) -> float:
        if step < n_warmup:
            return (step + 1) / n_warmup
        return 0.5 * (1 + math.cos(math.pi * (step - n_warmup) / max(1, steps - n_warmup)))

    return LambdaLR(optimizer, rate)


def steps_down(optimizer: Optimizer, steps_per_epoch: int, step_epochs: int, step_factor: float) -> LambdaLR:
    """Multiply the rate by `step_factor` after every `step_epochs` epochs: torch's StepLR, told of steps."""
    return LambdaLR(optimizer, lambda step: step_factor ** (step // (steps_per_epoch * step_epochs)))


def averaged(model: nn.Module, decay: float) -> AveragedModel | None:
    """A copy of the model whose weights are their moving average, with that decay a step; None for a decay of 0."""
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True) if decay else None
