"""The sound side: ResNet18 on one-channel log-mel windows; a song is the mean of its windows."""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models import ResNet18_Weights, resnet18

EMBEDDING_DIM = 512
MIN_SIDE = 32
"""ResNet18 halves a picture five times. At one pixel BatchNorm has nothing to average over in a batch of one song, and
below this oneDNN's bf16 convolution (torch 2.15) reads memory that was never written: NaN gradients now and then."""
IMAGENET = "imagenet"
STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4")


@dataclass(frozen=True, kw_only=True)
class AudioConfig:
    frozen: tuple[str, ...] = ()
    """Encoders that do not learn and stand in for the network; their vectors are computed once and kept beside the
    corpus. Names of research.models.published, "statistics" (designed features), or audio models of transformers."""
    weights: str | None = None
    """ResNet18 weights to start from: "imagenet" (torchvision's, downloaded once), a state-dict file (a partial one is
    allowed), or None for random ones."""
    time_pool: int = 2
    """Neighbouring frames averaged before the network: 2 halves its cost, and 46 ms are still short of a note."""
    learning_rate: float = 2e-4
    """Peak rate of the network; new layers take the one of TrainConfig."""


class AudioEncoder(nn.Module):
    """ResNet18 (He et al. 2016, torchvision's) with a one-channel stem, on log-mel in dB normalised per mel band.

    The normalisation is a BatchNorm over mel bands, as in PANNs (Kong et al. 2020): it follows the corpus' loudness.
    """

    def __init__(self, config: AudioConfig, n_mels: int):
        super().__init__()
        self.dim = EMBEDDING_DIM
        self.pool = nn.AvgPool1d(config.time_pool)
        self.normalise = nn.BatchNorm1d(n_mels)
        self.resnet = resnet18()
        self.initialised_from = load_weights(self.resnet, config.weights).name
        self.resnet.conv1 = _one_channel(self.resnet.conv1)
        self.resnet.fc = nn.Identity()
        self.resnet.to(memory_format=torch.channels_last)

    def forward(self, mel: Float[Tensor, "batch windows n_mels frames"]) -> Float[Tensor, "batch dim"]:
        """Embedding of each song.

        Raises:
            ValueError: windows too small for the network, see `MIN_SIDE`.
        """
        batch, windows = mel.shape[:2]
        bands = self.normalise(self.pool(mel.flatten(0, 1).float()))  # (batch * windows, n_mels, frames)
        if min(bands.shape[1:]) < MIN_SIDE or max(bands.shape[1:]) == MIN_SIDE:
            raise ValueError(
                f"windows of {mel.shape[2]} mel bands x {mel.shape[3]} frames are too small: ResNet18 needs {MIN_SIDE} "
                "of each after pooling over time, and more of one; raise n_mels or window_frames"
            )
        embeddings = self.resnet(bands.unsqueeze(1).contiguous(memory_format=torch.channels_last))
        return embeddings.unflatten(0, (batch, windows)).mean(dim=1)


@dataclass(frozen=True)
class Origin:
    """What a network starts from."""

    name: str
    """Said honestly, e.g. "resnet18 up to layer3"."""
    stages: tuple[str, ...]
    """Those of `STAGES` that were filled; the others are random."""


def load_weights(resnet: nn.Module, weights: str | None) -> Origin:
    """Fill `resnet` in place and say what it starts from.

    Raises:
        ValueError: the file is missing, is no ResNet18 state dict, or a download failed; says both ways to get weights.
    """
    if weights is None:
        return Origin("random", ())
    if weights == IMAGENET:
        try:
            resnet.load_state_dict(ResNet18_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True))
        except OSError as error:
            raise ValueError(
                f"ImageNet weights could not be downloaded ({error}); give a state-dict file instead, or copy "
                f"{ResNet18_Weights.IMAGENET1K_V1.url} to {torch.hub.get_dir()}/checkpoints"
            ) from error
        return Origin("ImageNet", STAGES)
    path = Path(weights)
    if not path.is_file():
        raise ValueError(f'weights {path}: no such file; give a ResNet18 state dict, or "{IMAGENET}" to download one')
    state = torch.load(path, map_location="cpu", weights_only=True)
    found = resnet.load_state_dict(state, strict=False)
    missing = {key.split(".")[0] for key in found.missing_keys} - {"fc"}
    if found.unexpected_keys or "conv1" in missing:
        raise ValueError(f"weights {path}: not a ResNet18 state dict (surplus keys {found.unexpected_keys[:3]})")
    complete = tuple(stage for stage in STAGES if stage not in missing)
    return Origin(path.stem if not missing else f"{path.stem} up to {complete[-1]}", complete)


def _one_channel(stem: nn.Conv2d) -> nn.Conv2d:
    """The same filters for a grey picture: a sum over RGB equals the answer to three equal channels."""
    grey = nn.Conv2d(1, stem.out_channels, stem.kernel_size, stem.stride, stem.padding, bias=False)
    with torch.no_grad():
        grey.weight.copy_(stem.weight.sum(dim=1, keepdim=True))
    return grey
