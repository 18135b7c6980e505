"""A network that was trained to tag music, as an encoder: its layers up to the classifier."""

import torch
from jaxtyping import Float
from torch import Tensor, nn


class MyTagger(nn.Module):
    """One convolution over time and its mean, for want of a better one."""

    dim = 32

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(64, self.dim, kernel_size=5)

    def forward(self, mel: Float[Tensor, "batch n_mels frames"]) -> Float[Tensor, "batch dim"]:
        return torch.relu(self.conv(mel)).mean(dim=2)
