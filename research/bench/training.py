"""Training by the loop that every experiment uses, beside the slides' way and plain fine-tuning; its songs' way in.

An epoch of ours is `research.training.fit` from end to end: reading, augmentation, steps, validation, checkpoint.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from jaxtyping import Int
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from research.batch import Batch, SongSet
from research.bench import slides
from research.bench.limits import MatrixProduct, copy
from research.bench.material import LABELS, Material
from research.bench.measurement import Measurement, share_of_limit, times_faster
from research.bench.pairs import Side, interleave
from research.data import Augmentation, InputConfig, SongDataset, load_songs
from research.features.lyrics import tokenize_lyrics
from research.models.audio import AudioConfig
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import MINILM, LyricsConfig, LyricsEncoder, load_tokenizer
from research.models.picture import PictureClassifier, PictureConfig
from research.pictures import PictureDataset, load_pictures
from research.runs import RunFolder
from research.training import TrainConfig, fit, make_accelerator

INPUTS = InputConfig(eval_windows=1)
TRAIN = TrainConfig(epochs=1)
PLAIN = TrainConfig(epochs=1, optimizer="sgd", batch_size=slides.BATCH_SIZE, clip_norm=None, weight_decay=0.0)
"""As the slides' networks are trained, see baselines."""
VALID = len(LABELS)
"""Songs of the validation that ends an epoch."""
SOUND = ModelConfig(audio=AudioConfig(), lyrics=None)
PADDED_TOKENS, PADDED_BATCH, BERT_RATE = 512, 16, 5e-5
"""Common fine-tuning: everything padded to the encoder's length, fp32, its own dropout, AdamW."""


def input_vs_jpg(material: Material) -> list[Measurement]:
    """Windows of the feature store, augmented as in training, beside JPGs through Pillow."""
    train, pictures = _sound(material), slides.jpg_loader(material.jpgs)
    one = train.loader(TRAIN.batch_size)
    sides = {
        "ours": Side(lambda: _read(one), len(train)),
        "reference": Side(lambda: _read(pictures), material.size.slides_epoch),
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


def train_vs_slides(material: Material) -> list[Measurement]:
    """An epoch of the sound model; also its share of what the device multiplies, and the share it spends reading."""
    device, gpu = _device(), "gpu_" if torch.cuda.is_available() else ""
    train, valid = _sound(material), _sound(material, VALID)
    model = MoodClassifier(SOUND, n_labels=len(LABELS), n_mels=INPUTS.mel.n_mels)
    loader = train.loader(TRAIN.batch_size)
    flops = _flops(model, next(iter(loader))) / min(TRAIN.batch_size, len(train))
    sides = {
        "ours": Side(partial(_fit, material, model, train, valid, TRAIN), len(train)),
        "reference": _slides_epoch(material, device),
        "limit": _matrix_rate(material, device, flops),
        "reading": Side(lambda: _read(loader, device), len(train)),
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
        ),
        share_of_limit(rounds, key=f"{gpu}train_share_of_peak", target=0.65, ours=ours, limit=limit),
        Measurement(
            key=f"{gpu}input_share",
            value=reading.wall,
            cpu=reading.cpu,
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
    device = _device()
    pictures = load_pictures(material.tracks, material.store, material.new_folder("memory_mapped"))
    part = partial(_labelled, pictures, len(material.tracks))
    train, valid = part(material.size.slides_epoch), part(VALID)
    model = PictureClassifier(PictureConfig(), len(LABELS))
    flops = _flops(model, next(iter(train.loader(PLAIN.batch_size)))) / min(PLAIN.batch_size, len(train))
    sides = {
        "ours": Side(partial(_fit, material, model, train, valid, PLAIN), len(train)),
        "reference": _slides_epoch(material, device),
        "limit": _matrix_rate(material, device, flops),
    }
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="model1_vs_slides",
            target=1.8,
            ours="fit: the slides' network and pictures",
            reference="JPG through Pillow, ResNet18 on 3x128x384, fp32",
            limit=f"matrix product, {make_accelerator(PLAIN).mixed_precision}",
        )
    ]


def lyrics_vs_padded(material: Material) -> list[Measurement]:
    """Fine-tuning the words' encoder, by the useful token: what is padding or cut off does not count."""
    device, config = _device(), ModelConfig(audio=None, lyrics=LyricsConfig(model=MINILM))
    tokenize = partial(tokenize_lyrics, tokenizer=load_tokenizer(config.lyrics))
    train, valid = _words(material, tokenize, material.size.lyrics_epoch), _words(material, tokenize, VALID)
    model = MoodClassifier(config, n_labels=len(LABELS), n_mels=INPUTS.mel.n_mels)
    batches = list(train.loader(TRAIN.batch_size))
    useful = sum(int(batch.attention_mask.sum()) for batch in batches)
    texts = [material.tracks.lyrics_text(row) for row in range(material.size.lyrics_epoch)]
    padded = tokenize(texts, max_tokens=PADDED_TOKENS)
    flops = sum(_flops(model, batch) for batch in batches) / useful
    plain = _PaddedClassifier()
    sides = {
        "ours": Side(partial(_fit, material, model, train, valid, TRAIN), useful),
        "reference": Side(partial(_padded_epoch, plain, padded, device), sum(map(len, padded))),
        "limit": _matrix_rate(material, device, flops),
    }
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="lyrics_vs_padded",
            target=2.3,
            ours=f"fit: MiniLM, {INPUTS.max_tokens} tokens at most, like lengths together",
            reference=f"MiniLM padded to {PADDED_TOKENS}, fp32",
            limit=f"matrix product, {make_accelerator(TRAIN).mixed_precision}",
        )
    ]


class _PaddedClassifier(nn.Module):
    """The same encoder and a linear layer."""

    def __init__(self):
        super().__init__()
        self.encoder = LyricsEncoder(LyricsConfig(model=MINILM, attention_dropout=0.1))
        self.head = nn.Linear(self.encoder.dim, len(LABELS))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.head(self.encoder(input_ids, attention_mask))


def _padded_epoch(model: nn.Module, tokens: list[Int[np.ndarray, " tokens"]], device: torch.device) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=BERT_RATE)
    model.to(device).train()
    targets = torch.arange(len(tokens), device=device) % len(LABELS)
    for start in range(0, len(tokens), PADDED_BATCH):
        part = tokens[start : start + PADDED_BATCH]
        input_ids = np.stack([np.pad(ids, (0, PADDED_TOKENS - len(ids))) for ids in part])
        lengths = np.array([[len(ids)] for ids in part])
        mask = (np.arange(PADDED_TOKENS) < lengths).astype(np.int64)
        logits = model(*(torch.from_numpy(array).to(device) for array in (input_ids.astype(np.int64), mask)))
        loss = nn.functional.cross_entropy(logits, targets[start : start + PADDED_BATCH])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # an accelerator answers only when it is done


def _fit(material: Material, model: nn.Module, train: SongSet, valid: SongSet, config: TrainConfig) -> None:
    """One epoch of an experiment's training, in a run folder of its own; goes on from the weights it finds."""
    fit(model, train, valid, config, RunFolder.open(material.new_folder("run"), {}))


def _slides_epoch(material: Material, device: torch.device) -> Side:
    network, loader = slides.new_network(len(LABELS)), slides.jpg_loader(material.jpgs)
    return Side(partial(slides.train_epoch, network, loader, device), material.size.slides_epoch)


def _matrix_rate(material: Material, device: torch.device, flops: float) -> Side:
    """What a song (or token) of `flops` operations costs where nothing but matrices is multiplied."""
    product = MatrixProduct(make_accelerator(TRAIN).mixed_precision, material.size.matrix_side, device)
    return Side(product, product.flops / flops)


def _sound(material: Material, n_songs: int | None = None) -> SongDataset:
    songs = load_songs(material.tracks, INPUTS, [material.store], None)
    if n_songs is not None:
        return SongDataset(songs, np.arange(n_songs) % len(songs.tracks))
    rows = np.arange(material.size.epoch) % len(songs.tracks)
    return SongDataset(songs, rows, augmentation=Augmentation())


def _words(material: Material, tokenize: Callable, n_songs: int) -> SongDataset:
    songs = load_songs(material.tracks, INPUTS, [], partial(tokenize, max_tokens=INPUTS.max_tokens))
    return SongDataset(songs, np.arange(n_songs), augmentation=Augmentation())


def _labelled(pictures: object, n_tracks: int, n_songs: int) -> PictureDataset:
    rows = np.arange(n_songs) % n_tracks
    return PictureDataset(pictures, rows, rows % len(LABELS), len(LABELS), shuffle=True)


def _read(loader: torch.utils.data.DataLoader, device: torch.device | None = None) -> None:
    for batch in loader:
        if device is not None:
            batch.to(device)


def _flops(model: nn.Module, batch: Batch) -> float:
    """Floating-point operations of one training step, by torch's count of matrix products and convolutions."""
    with FlopCounterMode(display=False) as counter:
        model(batch).sum().backward()
    model.zero_grad()
    return counter.get_total_flops()


def _device() -> torch.device:
    return make_accelerator(TRAIN).device
