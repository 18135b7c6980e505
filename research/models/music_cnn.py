"""Two published CNNs trained to tag music, as encoders: one embedding per segment of log-mel spectrogram.

Own implementations of Pons et al. 2018 (arXiv:1711.02520; the variant of Pons & Serra 2019, arXiv:1909.06654) and of
the five-layer network of Choi et al. 2016 (arXiv:1606.00298) in the sizes of MTG-Jamendo's baseline (Bogdanov et al.
2019). Their weights and front-ends are in research.models.published.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

Mel = Float[Tensor, "batch n_mels frames"]
Map = Float[Tensor, "batch channels frames"]
TIMBRAL, TEMPORAL, MIDDLE = 204, 51, 64
"""Channels of a timbral, a temporal and a middle layer."""
BLOCK = 16
"""Frames convolved at a time in `_TallConv`: pieces of spectrogram and their products stay in the cache."""


class MusicNN(nn.Module):
    """Filters as tall as a timbre and as long as a rhythm, three residual layers, max and mean over time.

    A piece's vector: the maxima and means over time of all layers (1506 values) as the published classifier reads them.
    """

    dim = 2 * (2 * TIMBRAL + 3 * TEMPORAL + 3 * MIDDLE)

    def __init__(self, timbral: tuple[int, int], temporal: tuple[int, int, int], *, ported: bool = False):
        """
        Args:
            timbral: heights of the tall filters, mel bands; each 7 frames wide.
            temporal: lengths of the long filters, frames; each one band high.
            ported: as in the PyTorch port of Won et al. 2020 (arXiv:2006.00751): BatchNorm before ReLU, and long
                filters on the mean of all bands instead of on each.
        """
        super().__init__()
        self.normalise = nn.BatchNorm2d(1)
        self.timbral = nn.ModuleList(_TallConv(height, 7, TIMBRAL, norm_first=ported) for height in timbral)
        self.temporal = nn.ModuleList(
            _MeanConv(length) if ported else _TallConv(1, length, TEMPORAL, norm_first=False) for length in temporal
        )
        front = TIMBRAL * len(timbral) + TEMPORAL * len(temporal)
        self.middle = nn.ModuleList(_conv(channels, norm_first=ported) for channels in (front, MIDDLE, MIDDLE))

    def forward(self, mel: Mel) -> Float[Tensor, "batch dim"]:
        mel = self.normalise(mel.unsqueeze(1)).squeeze(1)
        front = torch.cat([layer(mel) for layer in (*self.timbral, *self.temporal)], dim=1)
        first = self.middle[0](front)
        second = self.middle[1](first) + first
        third = self.middle[2](second) + second
        maps = torch.cat([front, first, second, third], dim=1)
        return torch.cat([maps.amax(dim=2), maps.mean(dim=2)], dim=1)


class FiveLayerCNN(nn.Module):
    """Five 3x3 convolutions, each halved or more by a maximum, down to one value a channel.

    A piece's vector: mean over bands and frames of every layer (512 values): the early ones hear timbre, the last mood.
    """

    channels = (64, 128, 128, 128, 64)
    pools = ((2, 4), (2, 4), (2, 4), (3, 5), (4, 4))
    """Mel bands and frames of each maximum."""
    dim = sum(channels)

    def __init__(self):
        super().__init__()
        self.normalise = nn.BatchNorm2d(1)
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ELU())
            for before, after in pairwise((1, *self.channels))
        )

    def forward(self, mel: Mel) -> Float[Tensor, "batch dim"]:
        maps, means = self.normalise(mel.unsqueeze(1)), []
        for layer, pool in zip(self.layers, self.pools, strict=True):
            maps = F.max_pool2d(layer(maps), pool)
            means.append(maps.mean(dim=(2, 3)))
        return torch.cat(means, dim=1)


class _TallConv(nn.Module):
    """Convolution, ReLU and BatchNorm in either order, then the highest value over all mel bands; padded along time.

    As a matrix product of unfolded pieces, in bf16 where autocast says so: on a CPU three times as fast as `conv2d`,
    which is slow on one input channel. The maximum is taken before the monotone ReLU and BatchNorm, which then see
    only one band; a channel whose BatchNorm scale is negative keeps its minimum instead.
    """

    def __init__(self, height: int, length: int, channels: int, *, norm_first: bool):
        super().__init__()
        self.conv = nn.Conv2d(1, channels, (height, length))
        self.norm = nn.BatchNorm1d(channels)
        self.norm_first = norm_first

    def forward(self, mel: Mel) -> Map:
        if self.training:
            raise RuntimeError("the published CNNs are frozen encoders; call eval() first")
        height, length = self.conv.kernel_size
        dtype = torch.bfloat16 if torch.is_autocast_enabled(mel.device.type) else mel.dtype
        padded = F.pad(mel, ((length - 1) // 2, length // 2)).to(dtype)
        kernel = self.conv.weight.flatten(1).T.to(dtype).contiguous()  # (height * length, channels)
        falls, blocks = self.norm.weight < 0, []
        for start in range(0, mel.shape[2], BLOCK):
            # Cut before it is unfolded: a gradient of the block then fills no picture of all blocks, unfolded, anew.
            cut = padded[:, :, start : start + BLOCK + length - 1]
            block = cut.unfold(1, height, 1).unfold(2, length, 1)  # (batch, places, frames, height, length)
            products = (block.flatten(3) @ kernel).float()  # (batch, places, frames, channels)
            blocks.append(torch.where(falls, products.amin(dim=1), products.amax(dim=1)))
        highest = torch.cat(blocks, dim=1).transpose(1, 2) + self.conv.bias[:, None]
        return self.norm(highest).relu() if self.norm_first else self.norm(highest.relu())


class _MeanConv(nn.Module):
    """A long filter on the mean of all mel bands, BatchNorm, ReLU."""

    def __init__(self, length: int):
        super().__init__()
        self.conv = nn.Conv1d(1, TEMPORAL, length, padding=length // 2)
        self.norm = nn.BatchNorm1d(TEMPORAL)

    def forward(self, mel: Mel) -> Map:
        return self.norm(self.conv(mel.mean(dim=1, keepdim=True))).relu()


def _conv(channels: int, *, norm_first: bool) -> nn.Module:
    convolution, norm = nn.Conv1d(channels, MIDDLE, 7, padding=3), nn.BatchNorm1d(MIDDLE)
    return nn.Sequential(convolution, *((norm, nn.ReLU()) if norm_first else (nn.ReLU(), norm)))
