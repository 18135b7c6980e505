"""The slides' network: ResNet18 on the picture of a song's whole spectrogram."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import resnet18

from research.batch import PictureBatch
from research.models.audio import load_weights

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB values between 0 and 1; what torchvision's weights expect."""


@dataclass(frozen=True, kw_only=True)
class PictureConfig:
    weights: str | None = None
    """As in AudioConfig: "imagenet", a state-dict file, or None for random ones."""
    frozen: bool = False
    """Stages that came with the weights stay as they are; what is random (the last layer at least) learns."""


class PictureClassifier(nn.Module):
    """`model(batch) -> logits`. BatchNorm stays in train mode in training, frozen or not, as in the slides."""

    def __init__(self, config: PictureConfig, n_labels: int):
        """
        Raises:
            ValueError: the weights cannot be had (see `load_weights`), or a network without any is to be frozen.
        """
        super().__init__()
        if config.frozen and config.weights is None:
            raise ValueError("a frozen network with random weights is useless; give weights, or do not freeze it")
        self.resnet = resnet18()
        origin = load_weights(self.resnet, config.weights)
        self.initialised_from = origin.name
        self.resnet.fc = nn.Linear(self.resnet.fc.in_features, n_labels)
        if config.frozen:
            stages = {*origin.stages, "bn1"}  # the norm of conv1
            for name, parameter in self.resnet.named_parameters():
                parameter.requires_grad_(name.split(".")[0] not in stages)
        self.resnet.to(memory_format=torch.channels_last)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD), persistent=False)

    def forward(self, batch: PictureBatch) -> Float[Tensor, "batch labels"]:
        pixels = (batch.pictures.float() / 255 - self.mean) / self.std
        # Colours last in memory already: what convolutions read fastest, without a copy.
        return self.resnet(pixels.permute(0, 3, 1, 2)).float()

    def parameter_groups(self, learning_rate: float, weight_decay: float) -> list[dict]:
        """One optimiser group: all that learns, at one rate."""
        learning = [parameter for parameter in self.parameters() if parameter.requires_grad]
        return [{"params": learning, "lr": learning_rate, "weight_decay": weight_decay}]
