"""The short-chunk CNN with residual connections: small filters on short segments, the best tagger of its comparison.

Source: Won, Ferraro, Bogdanov & Serra 2020, "Evaluation of CNN-based automatic music tagging models"
(arXiv:2006.00751); own implementation.
"""

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor, nn

CHANNELS = (128, 128, 256, 256, 256, 256, 512)
"""Of the seven blocks; each halves mel bands and frames."""
Maps = Float[Tensor, "batch channels bands frames"]


class ShortChunkResNet(nn.Sequential):
    """Spectrogram pictures to vectors, the highest value of each channel.

    The pooling has the name it has in torchvision's ResNets, so that the maps before it are found in both.
    """

    dim = CHANNELS[-1]

    def __init__(self):
        super().__init__()
        for place, (inputs, outputs) in enumerate(pairwise((1, *CHANNELS))):
            self.add_module(f"block{place}", _Block(inputs, outputs))
        self.avgpool = nn.AdaptiveMaxPool2d(1)
        self.flatten = nn.Flatten()


class _Block(nn.Module):
    """Two 3x3 convolutions beside one, the first of each side with stride 2."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.deep = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride=2, padding=1),
            nn.BatchNorm2d(outputs),
            nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            nn.BatchNorm2d(outputs),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.BatchNorm2d(outputs))

    def forward(self, maps: Maps) -> Float[Tensor, "batch outputs half_bands half_frames"]:
        return (self.deep(maps) + self.shortcut(maps)).relu()
