"""Reading training input: windows of the feature store against the slides' JPGs."""

import numpy as np
import torch
from torch.utils.data import DataLoader

from research.bench import slides
from research.bench.limits import copy
from research.bench.material import Material
from research.bench.measurement import Measurement, times_faster
from research.bench.pairs import Side, interleave
from research.data.augmentation import Augmentation
from research.data.dataset import SongDataset
from research.data.songs import InputConfig, load_songs
from research.training.config import TrainConfig

INPUTS = InputConfig(eval_windows=1)
BATCH_SIZE = TrainConfig().batch_size


def input_vs_jpg(material: Material) -> list[Measurement]:
    """Windows of the feature store, augmented as in training, beside JPGs through Pillow."""
    train, pictures = sound_songs(material), slides.jpg_loader(material.jpgs)
    one = train.loader(BATCH_SIZE)
    sides = {
        "ours": Side(lambda: read_all(one), len(train)),
        "reference": Side(lambda: read_all(pictures), material.size.slides_epoch),
        "limit": copy(material.size.copied_bytes),
    }
    window_bytes = INPUTS.window_frames * INPUTS.mel.n_mels * np.dtype(np.float16).itemsize
    sides["limit"] = Side(sides["limit"].run, material.size.copied_bytes / window_bytes)
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="input_vs_jpg",
            target=25,
            ours="5 s windows of the feature store, augmented",
            reference="JPG, Pillow, ToTensor, DataLoader",
            limit="copying a window's bytes",
        )
    ]


def sound_songs(material: Material, n_songs: int | None = None, epochs: int = 1) -> SongDataset:
    """Some songs as in evaluation, or the epochs' songs of training, one after another."""
    songs = load_songs(material.tracks, INPUTS, [material.store], None)
    if n_songs is not None:
        return SongDataset(songs, np.arange(n_songs) % len(songs.tracks))
    rows = np.arange(epochs * material.size.epoch) % len(songs.tracks)
    return SongDataset(songs, rows, augmentation=Augmentation())


def read_all(loader: DataLoader, device: torch.device | None = None) -> None:
    for batch in loader:
        if device is not None:
            batch.to(device)
