"""Losses for moods, of which a song has one, and class weights for rare moods.

Losses for tags, of which a song has any number, are in `research.losses.tags`.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

Counts = Int[Tensor, " labels"]
"""Training songs per mood."""
Weights = Float[Tensor, " labels"]
Logits = Float[Tensor, "batch labels"]
Targets = Int[Tensor, " batch"]
Loss = Float[Tensor, ""]

EFFECTIVE_BETA = 0.99
"""Of `effective_number_weights`; .99 suits moods of tens to hundreds of songs, where beta^n is far from 0 and 1."""


def uniform_weights(counts: Counts) -> Weights:
    return torch.ones(len(counts))


def balanced_weights(counts: Counts) -> Weights:
    """Weight n / (labels * count): every mood weighs the same in sum.

    Args:
        counts: training songs per mood.

    Raises:
        ValueError: a mood has no training song, so no weight can make up for it.

    Source: King & Zeng 2001; scikit-learn's class_weight="balanced".
    """
    _check_counts(counts)
    return counts.sum() / (len(counts) * counts)


def effective_number_weights(counts: Counts, beta: float = EFFECTIVE_BETA) -> Weights:
    """Weight (1 - beta) / (1 - beta^count), scaled to a mean of 1 over moods: milder than `balanced_weights`.

    Songs of a mood overlap, so the n-th adds less than the first: together they count as (1 - beta^n) / (1 - beta).

    Args:
        beta: 0 (no weighting) to 1 (inverse counts), exclusive.

    Raises:
        ValueError: a mood has no training song.

    Source: Cui, Jia, Lin, Song & Belongie 2019, "Class-balanced loss based on effective number of samples".
    """
    _check_counts(counts)
    weights = (1 - beta) / (1 - beta ** counts.double())
    return (weights * len(counts) / weights.sum()).float()


CLASS_WEIGHTS = {"none": uniform_weights, "balanced": balanced_weights, "effective_number": effective_number_weights}


class CrossEntropy(nn.Module):
    """-log softmax(logits)[target]: torch's own."""

    def __init__(self, counts: Counts, weights: Weights, label_smoothing: float):
        super().__init__()
        self.loss = nn.CrossEntropyLoss(weights, label_smoothing=label_smoothing)

    def forward(self, logits: Logits, targets: Targets) -> Loss:
        return self.loss(logits, targets)


class FocalLoss(nn.Module):
    """-(1 - p)^gamma log p of the true mood: songs that are already right pull less.

    With label smoothing each mood's term is focused by its own probability; gamma 0 is `CrossEntropy`, which sets how
    weights and smoothing enter.

    Source: Lin, Goyal, Girshick, He & Dollár 2017, "Focal loss for dense object detection", equation 5, gamma 2.
    """

    def __init__(self, counts: Counts, weights: Weights, label_smoothing: float, gamma: float = 2.0):
        super().__init__()
        self.register_buffer("weights", weights)
        self.label_smoothing = label_smoothing
        self.gamma = gamma

    def forward(self, logits: Logits, targets: Targets) -> Loss:
        log_probs = logits.log_softmax(dim=-1)
        terms = -((1 - log_probs.exp()) ** self.gamma) * log_probs * self.weights  # (batch, labels)
        even = self.label_smoothing / logits.shape[-1]
        true = F.one_hot(targets, logits.shape[-1]).to(terms.dtype)
        return (((1 - self.label_smoothing) * true + even) * terms).sum() / self.weights[targets].sum()


class LogitAdjustedCrossEntropy(nn.Module):
    """Cross-entropy of logits + tau log prior, in training alone: the bare logits favour no mood for being frequent.

    Their argmax is consistent for the balanced error, and so fits macro scores; but as probabilities they belong to a
    world of equally frequent moods, not to this one.

    Source: Menon et al. 2021, "Long-tail learning via logit adjustment", equation 10, tau 1.

    Raises:
        ValueError: a mood has no training song, so its prior is zero.
    """

    def __init__(self, counts: Counts, weights: Weights, label_smoothing: float, tau: float = 1.0):
        super().__init__()
        _check_counts(counts)
        self.register_buffer("adjustment", tau * (counts / counts.sum()).log())
        self.loss = nn.CrossEntropyLoss(weights, label_smoothing=label_smoothing)

    def forward(self, logits: Logits, targets: Targets) -> Loss:
        return self.loss(logits + self.adjustment, targets)


LOSSES: dict[str, Callable[[Counts, Weights, float], nn.Module]] = {
    "cross_entropy": CrossEntropy,
    "focal": FocalLoss,
    "logit_adjusted": LogitAdjustedCrossEntropy,
}


def mood_loss(name: str, class_weights: str, label_smoothing: float, counts: Counts) -> nn.Module:
    """`loss(logits, targets)` by the names that a training configuration gives.

    Raises:
        ValueError: an unknown loss or weighting, or a mood without the songs that it needs.
    """
    for kind, chosen, known in (("loss", name, LOSSES), ("class_weights", class_weights, CLASS_WEIGHTS)):
        if chosen not in known:
            raise ValueError(f"{kind} {chosen!r} is unknown; choose one of {sorted(known)}")
    return LOSSES[name](counts, CLASS_WEIGHTS[class_weights](counts), label_smoothing)


def _check_counts(counts: Counts) -> None:
    if (counts == 0).any():
        empty = torch.nonzero(counts == 0).flatten().tolist()
        raise ValueError(f"no training song of label {empty}; drop the label or use more songs per split")
