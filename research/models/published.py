"""Published weights: where they come from, how they are found or downloaded, and how they are verified."""

import hashlib
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from research.features.audio import MelSettings
from research.models.music_cnn import FiveLayerCNN, MusicNN
from research.models.tf_checkpoint import read_checkpoint
from research.tracks import LASTFM, Corpus

FOLDER_VARIABLE = "MOOD_WEIGHTS"
"""Environment variable that names a folder with downloaded weights; files are recognised by content, not by name."""
State = dict[str, Tensor]
FRONT = ("timbral.0", "timbral.1", "temporal.0", "temporal.1", "temporal.2")
"""The first layers of MusicNN, in the order of both publications."""
PORT_MODULES = (
    {"spec_bn": "normalise"}
    | {f"layers.{place}.conv": f"{layer}.conv" for place, layer in enumerate(FRONT)}
    | {f"layers.{place}.bn": f"{layer}.norm" for place, layer in enumerate(FRONT)}
    | {f"layer{place + 1}.conv": f"middle.{place}.0" for place in range(3)}
    | {f"layer{place + 1}.bn": f"middle.{place}.1" for place in range(3)}
)
"""Names of the PyTorch port of MusicNN by Won et al. 2020 (arXiv:2006.00751) to ours."""
FIVE_LAYER_MODULES = (
    {"bn_init": "normalise"}
    | {f"conv_{place + 1}": f"layers.{place}.0" for place in range(5)}
    | {f"bn_{place + 1}": f"layers.{place}.1" for place in range(5)}
)
NORM_LEAVES = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
TF_EPSILON = 1e-3 - 1e-5
"""TensorFlow's BatchNorm adds 1e-3 to the variance, PyTorch's 1e-5."""
MUSICNN_FRAMES = 935
"""15 s: the networks were trained on 3 s but pool over any length."""
RANGE_DB = 80.0
"""Of the networks that read dB. They were trained without a limit; but the digital silence at the start of an MP3, -100
dB, is up to 30 dB louder in its 16-bit copy, by rounding noise, and maxima over time kept that edge: the vectors of
both files were half a standard deviation apart, with the range .006."""
PONS_MEL = MelSettings(sample_rate=16_000, n_fft=512, hop_length=256, n_mels=96, compression="log10_10k", top_db=None)


@dataclass(frozen=True, kw_only=True)
class Published:
    """A music tagger whose weights are public, used as an audio encoder."""

    url: str
    sha256: str
    n_bytes: int
    licence: str
    trained_on: str
    label_source: str = ""
    """Who gave the tags it learned, as `research.tracks.Corpus` names the source of its labels."""
    mel: MelSettings
    """The front-end it was trained with, but for `RANGE_DB`."""
    piece_frames: int
    """Frames heard at a time."""
    build: Callable[[], nn.Module]
    """The network with random weights: log-mel (batch, n_mels, piece_frames) to vectors (batch, dim), and `dim`."""
    read: Callable[[Path], State]
    """The file as a state dict of what `build` gives, such as `read_torch` makes of one."""


def load_published(name: str) -> nn.Module:
    """The network with its published weights, in eval mode.

    Raises:
        ValueError: the weights are not here and cannot be downloaded, which says what to put where; or the file does
            not hold those of the network.
    """
    published = PUBLISHED[name]
    network = published.build()
    path = weights_file(name)
    try:
        network.load_state_dict(published.read(path))
    except RuntimeError as error:  # torch's, with a line for each kind of difference
        raise ValueError(f"{path} does not hold the weights of {name}: {error}; mend its `read` or `build`") from error
    return network.eval().requires_grad_(False)


def met_labels(encoders: Iterable[str], corpus: Corpus) -> list[str]:
    """Those of these encoders that learned from where the corpus has its labels: they may know the answers."""
    published = [name for name in encoders if name in PUBLISHED]
    return [name for name in published if PUBLISHED[name].label_source == corpus.label_source != ""]


def weights_file(name: str) -> Path:
    """The published file: found by its content, or downloaded.

    Raises:
        ValueError: it is not here and cannot be downloaded.
    """
    published = PUBLISHED[name]
    cache = Path(torch.hub.get_dir()) / "checkpoints"
    own = os.environ.get(FOLDER_VARIABLE)
    if own and not Path(own).is_dir():
        raise ValueError(f"{FOLDER_VARIABLE} names {own}, which is no folder; correct or unset it")
    for folder in (Path(own), cache) if own else (cache,):
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.stat().st_size == published.n_bytes and _sha256(path) == published.sha256:
                return path
    path = cache / f"{name}{Path(published.url).suffix}"
    cache.mkdir(parents=True, exist_ok=True)
    try:
        torch.hub.download_url_to_file(published.url, str(path), hash_prefix=published.sha256)
    except (OSError, RuntimeError) as error:
        raise ValueError(
            f"weights of {name} could not be downloaded ({error}); get {published.url} another way and put it into "
            f"{cache} or a folder named by {FOLDER_VARIABLE}"
        ) from error
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_torch(modules: Mapping[str, str]) -> Callable[[Path], State]:
    """Reads a state dict of PyTorch; `modules` gives our name of each published module, the others are left out."""

    def read(path: Path) -> State:
        state = {}
        for name, value in torch.load(path, map_location="cpu", weights_only=True).items():
            module, leaf = name.rsplit(".", 1)
            if module in modules:
                state[f"{modules[module]}.{leaf}"] = value
        return state

    return read


def _read_musicnn_tf(model: str) -> Callable[[Path], State]:
    """The TensorFlow checkpoint of `model` within the package that carries it; its classifier is left out."""

    def read(path: Path) -> State:
        with zipfile.ZipFile(path) as package:
            index, data = (package.read(f"musicnn/{model}/{name}") for name in (".index", ".data-00000-of-00001"))
        arrays = read_checkpoint(index, data)
        return dict(_tf_layers(arrays))

    return read


def _tf_layers(arrays: Mapping[str, np.ndarray]) -> Iterator[tuple[str, Tensor]]:
    norms = ["normalise", *(f"{kind}.norm" for kind in FRONT), *(f"middle.{place}.2" for place in range(3))]
    for place, layer in enumerate(norms):
        source = f"batch_normalization_{place}" if place else "batch_normalization"
        for leaf, tf_leaf in NORM_LEAVES.items():
            extra = TF_EPSILON if leaf == "running_var" else 0.0
            yield f"{layer}.{leaf}", torch.from_numpy(arrays[f"{source}/{tf_leaf}"] + np.float32(extra))
        yield f"{layer}.num_batches_tracked", torch.tensor(0)
    convolutions = [*(f"{kind}.conv" for kind in FRONT), *(f"middle.{place}.0" for place in range(3))]
    for place, layer in enumerate(convolutions):
        source = f"conv2d_{place}" if place else "conv2d"
        kernel = torch.from_numpy(arrays[f"{source}/kernel"].copy())  # (frames, bands, in, out)
        weight = kernel.permute(3, 2, 1, 0) if layer.startswith("t") else kernel.squeeze(2).permute(2, 1, 0)
        yield f"{layer}.weight", weight.contiguous()
        yield f"{layer}.bias", torch.from_numpy(arrays[f"{source}/bias"].copy())


def _pons(model: str, trained_on: str, label_source: str = "") -> Published:
    return Published(
        url="https://files.pythonhosted.org/packages/1b/6f/38229e7d99c438e11114bbfa39c8c39185458c398011d0b6d7d7c7401617/"
        "musicnn-0.1.0-py3-none-any.whl",
        sha256="f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
        n_bytes=29_292_476,
        licence="ISC",
        trained_on=trained_on,
        label_source=label_source,
        mel=PONS_MEL,
        piece_frames=MUSICNN_FRAMES,
        build=lambda: MusicNN(timbral=(38, 67), temporal=(128, 64, 32)),
        read=_read_musicnn_tf(model),
    )


PUBLISHED = {
    "musicnn-msd": _pons(
        "MSD_musicnn",
        "Million Song Dataset, 50 Last.fm tags, with sad, happy, Mellow and chill among them (Pons & Serra 2019)",
        label_source=LASTFM,
    ),
    "musicnn-mtt": _pons("MTT_musicnn", "MagnaTagATune, 50 tags (Pons & Serra 2019)"),
    "musicnn-jamendo": Published(
        url="https://raw.githubusercontent.com/philtgun/music-tagging-benchmark/"
        "723f2cbef18e25f29e0f7b18a6695d2798ee3aea/models/jamendo/musicnn/best_model.pth",
        sha256="66280f4859376377c47f64313c7ac889a3201fdb06a01bf6e94ac6e619081bb5",
        n_bytes=3_257_168,
        licence="MIT",
        trained_on="MTG-Jamendo, 50 most frequent tags (Bogdanov et al. 2019)",
        mel=MelSettings(sample_rate=16_000, n_fft=512, hop_length=256, n_mels=96, mel_scale="htk", top_db=RANGE_DB),
        piece_frames=MUSICNN_FRAMES,
        build=lambda: MusicNN(timbral=(67, 38), temporal=(129, 65, 33), ported=True),
        read=read_torch(PORT_MODULES),
    ),
    "jamendo-mood-cnn": Published(
        url="https://raw.githubusercontent.com/MTG/mtg-jamendo-dataset/1b4fa8c32e076c73b5175c1703ae805b4109309d/"
        "scripts/baseline/models/best_model.pth",
        sha256="c1d6bee6bc25d78b28cea52bde68a353b3e674687171a78af020fa039d3cbdbe",
        n_bytes=1_803_131,
        licence="Apache-2.0 (code); metadata CC BY-NC-SA 4.0",
        trained_on="MTG-Jamendo, 56 mood and theme tags (Bogdanov et al. 2019)",
        mel=MelSettings(sample_rate=12_000, n_fft=512, hop_length=256, n_mels=96, top_db=RANGE_DB),
        piece_frames=1_366,
        build=FiveLayerCNN,
        read=read_torch(FIVE_LAYER_MODULES),
    ),
}
"""By the name a configuration gives."""
