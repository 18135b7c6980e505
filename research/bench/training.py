"""Training with the loop of every experiment, against the slides' way.

An epoch of ours is `research.training.loop.fit` from end to end (reading, augmentation, steps, a small validation),
except for writing to disk.
"""

import copy
from contextlib import redirect_stderr
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from research.batch import Batch, SongSet
from research.bench import slides
from research.bench.inputs import INPUTS, read_all, sound_songs
from research.bench.limits import MatrixProduct
from research.bench.material import LABELS, Material
from research.bench.measurement import Measurement, share_of_limit, times_faster
from research.bench.pairs import Side, interleave
from research.data.pictures import PictureDataset, Pictures, load_pictures
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.picture import PictureClassifier, PictureConfig
from research.training.config import TrainConfig
from research.training.loop import fit
from research.training.machine import make_accelerator

TRAIN = TrainConfig(epochs=1)
PLAIN = TrainConfig(epochs=1, optimizer="sgd", batch_size=slides.BATCH_SIZE, clip_norm=None, weight_decay=0.0)
"""As the slides' networks are trained, see baselines."""
VALID = len(LABELS)
"""Songs of the validation that ends an epoch."""
GPU_SIDES = 4
"""Times larger sides of the matrices a GPU multiplies: 8,192 take it a millisecond, many times what asking it takes."""
GPU_EPOCHS = 256
"""Epochs that are one on a GPU: it would be through with the arithmetic of 256 songs in 8 ms (at 100 TFLOP/s), and what
`fit` does before and after takes a core 0.4 s."""
SOUND = ModelConfig(audio=AudioConfig(), lyrics=None)


def train_vs_slides(material: Material) -> list[Measurement]:
    """An epoch of the sound model; also its share of what the device multiplies, and the share it spends reading."""
    device = training_device()
    on_cpu = device.type == "cpu"  # else its clock tells how long the CPU waited
    gpu = "" if on_cpu else "gpu_"
    train, valid = sound_songs(material, epochs=1 if on_cpu else GPU_EPOCHS), sound_songs(material, VALID)
    model = MoodClassifier(SOUND, n_labels=len(LABELS), n_mels=INPUTS.mel.n_mels)
    loader = train.loader(TRAIN.batch_size)
    flops = count_flops(model, next(iter(loader))) / min(TRAIN.batch_size, len(train))
    sides = {
        "ours": Side(partial(fit_epoch, model, train, valid, TRAIN), len(train)),
        "reference": _slides_epoch(material, device),
        "limit": matrix_rate(material, device, flops),
        "reading": Side(lambda: read_all(loader, device), len(train)),
    }
    rounds = interleave(sides, material.size.rounds)
    ours, limit = "fit: 5 s windows, ResNet18", f"matrix product, {make_accelerator(TRAIN).mixed_precision}"
    reading = rounds.ratio("reading", "ours")
    return [
        times_faster(
            rounds,
            key="train_vs_slides",
            target=4,
            ours=ours,
            reference="JPG through Pillow, ResNet18 on 3x128x384, fp32",
            limit=limit,
            cpu=on_cpu,
        ),
        share_of_limit(rounds, key=f"{gpu}train_share_of_peak", target=0.65, ours=ours, limit=limit, cpu=on_cpu),
        Measurement(
            key=f"{gpu}input_share",
            value=reading.wall,
            cpu=reading.cpu if on_cpu else None,
            target=0.05,
            at_most=True,
            unit="share",
            ours="reading and augmenting windows",
            reference=ours,
            limit="nothing read: 0",
        ),
    ]


def model1_vs_slides(material: Material) -> list[Measurement]:
    """The slides' own network and pictures, trained by `fit`."""
    device = training_device()
    pictures = load_pictures(material.tracks, material.store, material.new_folder("memory_mapped"))
    part = partial(_labelled, pictures, len(material.tracks))
    train, valid = part(2 * material.size.slides_epoch), part(VALID)
    model = PictureClassifier(PictureConfig(), len(LABELS))
    flops = count_flops(model, next(iter(train.loader(PLAIN.batch_size)))) / min(PLAIN.batch_size, len(train))
    sides = {
        "ours": Side(partial(fit_epoch, model, train, valid, PLAIN), len(train)),
        "reference": _slides_epoch(material, device),
        "limit": matrix_rate(material, device, flops),
    }
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="model1_vs_slides",
            target=1.8,
            ours="fit: the slides' network and pictures",
            reference="JPG through Pillow, ResNet18 on 3x128x384, fp32",
            limit=f"matrix product, {make_accelerator(PLAIN).mixed_precision}",
            cpu=device.type == "cpu",
        )
    ]


class _NoRun:
    """Stands where `fit` keeps its run, and keeps nothing: an epoch here is so short that writing its end to disk,
    a few tenths of a second, would count many times as much as it does in an epoch of a corpus."""

    path = Path("bench")

    def load_checkpoint(self) -> None:
        return None

    def _forget(self, _: object) -> None:
        return None

    save_checkpoint = save_weights = load_weights = write_history = _forget


def fit_epoch(model: nn.Module, train: SongSet, valid: SongSet, config: TrainConfig) -> None:
    """One epoch of an experiment's training; `model` stays as it is."""
    # A copy each time: a model that accelerate has prepared once it leaves alone, and then it trains in fp32.
    fresh = copy.deepcopy(model)
    with redirect_stderr(StringIO()):  # its progress bar
        fit(fresh, train, valid, config, _NoRun())


def _slides_epoch(material: Material, device: torch.device) -> Side:
    network, loader = slides.new_network(len(LABELS)), slides.jpg_loader(material.jpgs)
    return Side(partial(slides.train_epoch, network, loader, device), material.size.slides_epoch)


def matrix_rate(material: Material, device: torch.device, flops: float) -> Side:
    """What a song (or token) of `flops` operations costs where nothing but matrices is multiplied."""
    # A GPU is through with the CPU's matrices before it is at full speed.
    side = material.size.matrix_side * (1 if device.type == "cpu" else GPU_SIDES)
    product = MatrixProduct(make_accelerator(TRAIN).mixed_precision, side, device)
    return Side(product, product.flops / flops)


def _labelled(pictures: Pictures, n_tracks: int, n_songs: int) -> PictureDataset:
    rows = np.arange(n_songs) % n_tracks
    return PictureDataset(pictures, rows, rows % len(LABELS), len(LABELS), shuffle=True)


def count_flops(model: nn.Module, batch: Batch) -> float:
    """Floating-point operations of one training step, by torch's count of matrix products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        model(batch).sum().backward()
    model.zero_grad()
    return counter.get_total_flops()


def training_device() -> torch.device:
    return make_accelerator(TRAIN).device
