"""Training options: one dataclass, whose fields are options of every experiment."""

from dataclasses import dataclass
from typing import Literal

from research.data.augmentation import Augmentation

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    epochs: int = 12
    """Upper bound; the learning rate follows its schedule over all of them."""
    batch_size: int = 16
    """Songs per process and step."""
    accumulate: int = 1
    """Gradient accumulation: steps whose gradients are summed before the weights are updated."""
    learning_rate: float = 3e-4
    """Peak learning rate of new layers; each encoder has its own in its config."""
    optimizer: Literal["adamw", "sgd"] = "adamw"
    """sgd: with momentum 0.9."""
    weight_decay: float = 0.05
    unfreeze_every: int = 0
    """Gradual unfreezing: epochs after which one more layer of each encoder learns, from the top, at first none; 0: all
    learn from the start."""
    schedule: Literal["cosine", "step"] = "cosine"
    """cosine: to zero, after a warm-up; step: multiplied by `step_factor` every `step_epochs`."""
    warmup: float = 0.1
    """Share of all steps in which the rate climbs to its peak; cosine only."""
    step_epochs: int = 7
    step_factor: float = 0.1
    clip_norm: float | None = 1.0
    """Gradient clipping: largest norm over all parameters; None: no clipping."""
    select_by: Literal["macro_f1", "accuracy", "pr_auc", "roc_auc", "loss", "last"] = "macro_f1"
    """Metric on validation songs that selects the best epoch; the areas are macro averages over tags. last: the last
    epoch, without any selection."""
    patience: int = 6
    """Early stopping: epochs without improvement after which training stops."""
    loss: str = "cross_entropy"
    """Loss for moods: cross_entropy, focal or logit_adjusted."""
    class_weights: Literal["none", "balanced", "effective_number"] = "balanced"
    """Weight of each mood in the loss; balanced: each mood has the same total weight, however rare."""
    label_smoothing: float = 0.1
    """For moods only."""
    tag_loss: str = "bce"
    """Loss for tags: bce, weighted_bce, focal or asymmetric."""
    side_loss: float = 0.0
    """Share of the loss on the modalities' own answers, half each; 1: experts, combined only in prediction."""
    mixup: float = 0.0
    """Songs are mixed in pairs, with shares from Beta(mixup, mixup); spectrograms and frozen encoders' embeddings."""
    average: float = 0.0
    """Per-step decay of the weights' moving average that is validated and kept, such as 0.99; 0: no averaging.
    Source: Polyak & Juditsky 1992; Izmailov et al. 2018 (arXiv:1803.05407)."""
    precision: Precision = "auto"
    """auto: bf16 if the device computes in it, else fp32, with products in TF32 on a GPU. fp16 needs a GPU."""
    seed: int = 0
    augmentation: Augmentation = Augmentation()
