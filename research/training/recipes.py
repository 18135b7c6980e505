"""Training recipes of others, such as the slides', for the one training loop."""

from research.data.augmentation import Augmentation
from research.training.config import TrainConfig

UNCHANGED = Augmentation(time_mask=0, mel_mask=0, drop_audio=0.0, drop_lyrics=0.0)
SLIDES = TrainConfig(
    epochs=20,
    patience=20,
    batch_size=32,
    optimizer="sgd",
    learning_rate=1e-3,
    weight_decay=0.0,
    schedule="step",
    step_epochs=7,
    step_factor=0.1,
    clip_norm=None,
    class_weights="none",
    label_smoothing=0.0,
    augmentation=UNCHANGED,
)
"""How the 2020 slides trained from nothing (their Model 1): plain cross-entropy, SGD, the rate cut every few epochs,
nothing augmented or clipped. The epoch, which they picked on test songs, is picked on validation songs."""
