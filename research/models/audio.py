"""The audio encoder: a CNN on one-channel log-mel windows; a song's embedding is the mean of its windows'."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision import models

from research.models.short_chunk import CHANNELS, ShortChunkResNet

RESNET_HALVINGS = 5
"""How often a network halves a picture sets its smallest one, 2**halvings. At one pixel BatchNorm has nothing to
average over in a batch of one song, and below this oneDNN's bf16 convolution (torch 2.15) reads memory that was never
written: NaN gradients now and then."""
IMAGENET = "imagenet"
RESNETS = {
    "resnet18": (models.resnet18, models.ResNet18_Weights.IMAGENET1K_V1),
    "resnet34": (models.resnet34, models.ResNet34_Weights.IMAGENET1K_V1),
    "resnet50": (models.resnet50, models.ResNet50_Weights.IMAGENET1K_V2),
}
"""He et al. 2016 (arXiv:1512.03385), torchvision's, and their ImageNet weights."""
SHORT_CHUNK = "short_chunk"
STAGES = ("conv1", "layer1", "layer2", "layer3", "layer4")


@dataclass(frozen=True, kw_only=True)
class AudioConfig:
    frozen: tuple[str, ...] = ()
    """Frozen encoders used in place of the network; their embeddings are computed once and cached beside the corpus.
    Names of research.models.published, "statistics" (hand-crafted features), or audio models of transformers."""
    network: Literal["resnet18", "resnet34", "resnet50", "short_chunk"] = "resnet18"
    """Network to train if `frozen` is empty: a ResNet, or the short-chunk CNN made for music, which needs windows of
    more than 128 frames after pooling."""
    weights: str | None = None
    """Weights that a ResNet starts from: "imagenet" (torchvision's, downloaded once), a state-dict file (a partial one
    is allowed), or None for random ones."""
    time_pool: int = 2
    """Neighbouring frames averaged before the network: 2 halves its cost, and 46 ms are still short of a note."""
    learning_rate: float = 2e-4
    """Peak learning rate of the network; new layers have that of TrainConfig."""
    layer_decay: float = 1.0
    """Learning rate of each stage relative to the stage above, as in LyricsConfig; a ResNet has four and its stem."""


class AudioEncoder(nn.Module):
    """A CNN with a one-channel stem, on log-mel in dB normalised per mel band.

    The normalisation is a BatchNorm over mel bands, as in PANNs (Kong et al. 2020): it follows the corpus' loudness.
    """

    def __init__(self, config: AudioConfig, n_mels: int):
        """
        Raises:
            ValueError: weights that cannot be had, or do not belong to the network.
        """
        super().__init__()
        self.pool = nn.AvgPool1d(config.time_pool)
        # Its scale and offset stay 1 and 0: a gradient that reached the picture would cost 7 % of a step.
        self.normalise = nn.BatchNorm1d(n_mels).requires_grad_(False)
        if config.network == SHORT_CHUNK:
            if config.weights is not None:
                raise ValueError("there are no weights for short_chunk; leave --model.audio.weights out")
            self.network, self.dim, self.initialised_from = ShortChunkResNet(), ShortChunkResNet.dim, "random"
            self.min_side = 2 ** len(CHANNELS)
        else:
            resnet = RESNETS[config.network][0]()
            self.initialised_from = load_weights(resnet, config.weights, config.network).name
            self.dim = resnet.fc.in_features
            resnet.conv1 = _one_channel(resnet.conv1)
            resnet.fc = nn.Identity()
            self.network, self.min_side = resnet, 2**RESNET_HALVINGS
        self.network.to(memory_format=torch.channels_last)

    def layers(self) -> list[list[nn.Parameter]]:
        """The network's parameters, stage by stage from the top down; the stem of a ResNet is one stage."""
        stages: dict[str, list[nn.Parameter]] = {}
        for name, child in self.network.named_children():
            stages.setdefault("conv1" if name == "bn1" else name, []).extend(child.parameters())
        return [stage for stage in reversed(stages.values()) if stage]

    def forward(self, mel: Float[Tensor, "batch windows n_mels frames"]) -> Float[Tensor, "batch dim"]:
        """Embedding of each song.

        Raises:
            ValueError: windows too small for the network, see `RESNET_HALVINGS`.
        """
        return self.network(self._pictures(mel)).unflatten(0, mel.shape[:2]).mean(dim=1)

    def sequence(self, mel: Float[Tensor, "batch windows n_mels frames"]) -> Float[Tensor, "batch places dim"]:
        """A vector for each place in time of each window, in their order: the last maps, averaged over mel bands.

        Raises:
            ValueError: windows too small for the network, see `RESNET_HALVINGS`.
        """
        maps = self._pictures(mel)
        for name, layer in self.network.named_children():
            if name == "avgpool":
                break
            maps = layer(maps)
        return maps.mean(dim=2).transpose(1, 2).unflatten(0, mel.shape[:2]).flatten(1, 2)

    def _pictures(self, mel: Tensor) -> Float[Tensor, "pictures 1 n_mels frames"]:
        bands = self.normalise(self.pool(mel.flatten(0, 1).float()))  # (batch * windows, n_mels, frames)
        if min(bands.shape[1:]) < self.min_side or max(bands.shape[1:]) == self.min_side:
            raise ValueError(
                f"windows of {mel.shape[2]} mel bands x {mel.shape[3]} frames are too small: the CNN needs "
                f"{self.min_side} of each after pooling over time, and more of one; raise n_mels or window_frames, or "
                "lower time_pool"
            )
        return bands.unsqueeze(1).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Origin:
    """What a network starts from."""

    name: str
    """Said honestly, e.g. "resnet18 up to layer3"."""
    stages: tuple[str, ...]
    """Those of `STAGES` that were filled; the others are random."""


def load_weights(resnet: nn.Module, weights: str | None, name: str = "resnet18") -> Origin:
    """Fill `resnet` in place and say what it starts from.

    Args:
        name: which of `RESNETS` it is.

    Raises:
        ValueError: the file is missing, is no state dict of it, or a download failed; says both ways to get weights.
    """
    if weights is None:
        return Origin("random", ())
    if weights == IMAGENET:
        published = RESNETS[name][1]
        try:
            resnet.load_state_dict(published.get_state_dict(progress=True, check_hash=True))
        except OSError as error:
            raise ValueError(
                f"ImageNet weights could not be downloaded ({error}); give a state-dict file instead, or copy "
                f"{published.url} to {torch.hub.get_dir()}/checkpoints"
            ) from error
        return Origin("ImageNet", STAGES)
    path = Path(weights)
    if not path.is_file():
        raise ValueError(f'weights {path}: no such file; give a {name} state dict, or "{IMAGENET}" to download one')
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (UnpicklingError, EOFError, RuntimeError) as error:  # no file of torch, a whole model, half a download
        raise ValueError(
            f"weights {path}: no state dict that torch can read; save one by torch.save(model.state_dict(), FILE)"
        ) from error
    if not isinstance(state, Mapping):
        raise ValueError(f"weights {path}: not a {name} state dict (but a {type(state).__name__})")
    try:
        found = resnet.load_state_dict(state, strict=False)
    except RuntimeError as error:  # layers of the same name and another shape
        raise ValueError(f"weights {path}: not a {name} state dict ({str(error).splitlines()[-1].strip()})") from error
    missing = {key.split(".")[0] for key in found.missing_keys} - {"fc"}
    if found.unexpected_keys or "conv1" in missing:
        raise ValueError(f"weights {path}: not a {name} state dict (surplus keys {found.unexpected_keys[:3]})")
    complete = tuple(stage for stage in STAGES if stage not in missing)
    return Origin(path.stem if not missing else f"{path.stem} up to {complete[-1]}", complete)


def _one_channel(stem: nn.Conv2d) -> nn.Conv2d:
    """The same filters for a grey picture: a sum over RGB equals the answer to three equal channels."""
    grey = nn.Conv2d(1, stem.out_channels, stem.kernel_size, stem.stride, stem.padding, bias=False)
    with torch.no_grad():
        grey.weight.copy_(stem.weight.sum(dim=1, keepdim=True))
    return grey
