"""How a model is trained: one record, whose fields are the options of every experiment."""

from dataclasses import dataclass
from typing import Literal

from research.data.augmentation import Augmentation

Precision = Literal["auto", "fp32", "bf16", "fp16"]


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
