"""Fine-tuning the lyrics encoder, against common practice: everything padded to the encoder's length, in fp32."""

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from jaxtyping import Int
from torch import nn

from research.bench.inputs import INPUTS
from research.bench.material import LABELS, Material
from research.bench.measurement import Measurement, times_faster
from research.bench.pairs import Side, interleave
from research.bench.training import TRAIN, VALID, count_flops, fit_epoch, matrix_rate, training_device
from research.data.augmentation import Augmentation
from research.data.dataset import SongDataset
from research.data.songs import load_songs
from research.features.lyrics import tokenize_lyrics
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.lyrics import MINILM, LyricsConfig, LyricsEncoder, load_tokenizer
from research.training.machine import make_accelerator

PADDED_TOKENS, PADDED_BATCH, BERT_RATE, BERT_DROPOUT = 512, 16, 5e-5, 0.1


def lyrics_vs_padded(material: Material) -> list[Measurement]:
    """Fine-tuning the lyrics encoder, per non-padding token: what is cut off does not count either."""
    device, config = training_device(), ModelConfig(audio=None, lyrics=LyricsConfig(model=MINILM))
    tokenize = partial(tokenize_lyrics, tokenizer=load_tokenizer(config.lyrics))
    train, valid = _words(material, tokenize, material.size.lyrics_epoch), _words(material, tokenize, VALID)
    model = MoodClassifier(config, n_labels=len(LABELS), n_mels=INPUTS.mel.n_mels)
    batches = list(train.loader(TRAIN.batch_size))
    useful = sum(int(batch.attention_mask.sum()) for batch in batches)
    texts = [material.tracks.lyrics_text(row) for row in range(material.size.lyrics_epoch)]
    padded = tokenize(texts, max_tokens=PADDED_TOKENS)
    flops = sum(count_flops(model, batch) for batch in batches) / useful
    plain = _PaddedClassifier()
    sides = {
        "ours": Side(partial(fit_epoch, model, train, valid, TRAIN), useful),
        "reference": Side(partial(_padded_epoch, plain, padded, device), sum(map(len, padded))),
        "limit": matrix_rate(material, device, flops),
    }
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="lyrics_vs_padded",
            target=2.3,
            ours=f"fit: MiniLM, {INPUTS.max_tokens} tokens at most, like lengths together",
            reference=f"MiniLM padded to {PADDED_TOKENS}, fp32",
            limit=f"matrix product, {make_accelerator(TRAIN).mixed_precision}",
            cpu=device.type == "cpu",
        )
    ]


class _PaddedClassifier(nn.Module):
    """The same encoder and a linear layer."""

    def __init__(self):
        super().__init__()
        self.encoder = LyricsEncoder(LyricsConfig(model=MINILM, attention_dropout=BERT_DROPOUT))
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


def _words(material: Material, tokenize: Callable, n_songs: int) -> SongDataset:
    songs = load_songs(material.tracks, INPUTS, [], partial(tokenize, max_tokens=INPUTS.max_tokens))
    return SongDataset(songs, np.arange(n_songs), augmentation=Augmentation())
