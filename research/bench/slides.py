"""The reference: how the 2020 slides got from a preview to an answer, step by step, with the tools they used.

MP3 to WAV, WAV through librosa, the spectrogram drawn by matplotlib and saved as a JPG, JPGs through Pillow and a
DataLoader into an fp32 ResNet18. Lyrics, which the slides did not have, go through the same encoder in fp32.
"""

from pathlib import Path

import matplotlib
import numpy as np
import soundfile
import torch
from jaxtyping import Float
from matplotlib import pyplot
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.models import resnet18
from torchvision.transforms import Compose, Normalize, ToTensor

from research.features.audio import MelSettings
from research.features.picture import HEIGHT, WIDTH
from research.models.picture import IMAGENET_MEAN, IMAGENET_STD

TO_TENSOR = Compose([ToTensor(), Normalize(IMAGENET_MEAN, IMAGENET_STD)])
BATCH_SIZE, LEARNING_RATE, MOMENTUM = 32, 1e-3, 0.9
MEL = MelSettings()
DOTS_PER_INCH = 100


def librosa_log_mel(path: Path, ref: float | None = None) -> Float[np.ndarray, "mels frames"]:
    """Log-mel spectrogram of a file by librosa itself, dB; `ref=None` is relative to the maximum."""
    import librosa  # its first call compiles for seconds: not before it is needed

    samples, rate = librosa.load(path, sr=MEL.sample_rate, res_type="soxr_hq")
    mel = librosa.feature.melspectrogram(
        y=samples, sr=rate, n_fft=MEL.n_fft, hop_length=MEL.hop_length, n_mels=MEL.n_mels
    )
    return librosa.power_to_db(mel, ref=np.max if ref is None else ref, top_db=MEL.top_db)


def draw(mel: Float[np.ndarray, "mels frames"], jpg: Path) -> None:
    """The borderless figure of the slides."""
    from librosa.display import specshow

    matplotlib.use("Agg")
    figure = pyplot.figure(figsize=(WIDTH / DOTS_PER_INCH, HEIGHT / DOTS_PER_INCH))
    figure.add_axes((0, 0, 1, 1), frameon=False, xticks=[], yticks=[])
    specshow(mel, sr=MEL.sample_rate, hop_length=MEL.hop_length, x_axis="time", y_axis="mel", cmap="magma")
    figure.savefig(jpg, dpi=DOTS_PER_INCH, pad_inches=0)
    pyplot.close(figure)


def clip_to_jpg(clip: Path, folder: Path) -> Path:
    """MP3 to WAV to librosa to figure to JPG."""
    wav, jpg = folder / f"{clip.stem}.wav", folder / f"{clip.stem}.jpg"
    samples, rate = soundfile.read(clip)
    soundfile.write(wav, samples, rate)
    draw(librosa_log_mel(wav), jpg)
    return jpg


def jpg_loader(folder: Path) -> DataLoader:
    """Batches (batch, 3, height, width) and labels, by the subfolder a JPG lies in."""
    return DataLoader(ImageFolder(str(folder), TO_TENSOR), batch_size=BATCH_SIZE, shuffle=True)


def train_epoch(network: nn.Module, loader: DataLoader, device: torch.device) -> float:
    """One epoch in fp32 by SGD; returns the mean loss."""
    optimizer = torch.optim.SGD(network.parameters(), lr=LEARNING_RATE, momentum=MOMENTUM)
    network.to(device).train()
    losses = []
    for pictures, labels in loader:
        loss = nn.functional.cross_entropy(network(pictures.to(device)), labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def new_network(n_labels: int) -> nn.Module:
    return resnet18(num_classes=n_labels)


@torch.no_grad()
def classify(network: nn.Module, jpg: Path) -> Float[Tensor, "one labels"]:
    """Logits of one picture."""
    return network(TO_TENSOR(Image.open(jpg).convert("RGB"))[None])
