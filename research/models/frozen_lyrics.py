"""Frozen lyrics encoders: texts in, embeddings out."""

import copy
from collections.abc import Sequence
from threading import Lock

import numpy as np
import torch
from jaxtyping import Float32
from tqdm import tqdm

from research.batch import pad_tokens
from research.features.lyrics import tokenize_lyrics
from research.models.lyrics import LyricsConfig, LyricsEncoder, load_tokenizer
from research.models.precision import with_cast_weights

BATCH = 32
MAX_LINES = 128
"""Distinct lines read of a song."""
MAX_LINE_TOKENS = 64

Vectors = Float32[np.ndarray, "songs dim"]


class FrozenLyrics:
    """Reads whole songs, or their lines one by one where the pooling says so."""

    def __init__(self, config: LyricsConfig, max_tokens: int):
        """
        Args:
            max_tokens: longer lyrics are cut here.
        """
        self.by_line = config.pooling == "lines"
        self.max_tokens = MAX_LINE_TOKENS if self.by_line else max_tokens
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.encoder = LyricsEncoder(config).eval()
        self._moving = Lock()
        self.tokenizer = load_tokenizer(config)
        self.dim = self.encoder.dim * (2 if self.by_line else 1)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """Vector of each text; zeros, never to be read, where there are no words."""
        if not self.by_line:
            return self._encode(texts)
        lines = [distinct_lines(text) for text in texts]
        flat = self._encode([line for song in lines for line in song])
        found, first = np.zeros((len(texts), self.dim), np.float32), 0
        for vector, song in zip(found, lines, strict=True):
            if song:
                own = flat[first : first + len(song)]
                vector[:] = np.concatenate([own.mean(axis=0), own.max(axis=0)])
            first += len(song)
        return found

    def with_cast_weights(self) -> "FrozenLyrics":
        """One that gives the same bits within `fast_products`, sooner."""
        other = copy.copy(self)
        if self.device == "cpu":
            other.encoder = with_cast_weights(self.encoder)
        return other

    @torch.no_grad()
    def _encode(self, texts: Sequence[str]) -> Vectors:
        with self._moving:  # weight by weight: another thread would find some of them still elsewhere
            if self.encoder.bert.device.type != self.device:
                self.encoder.to(self.device)
        tokens = tokenize_lyrics(texts, self.tokenizer, self.max_tokens)
        vectors = np.zeros((len(texts), self.encoder.dim), np.float32)
        # Sorted by length, so that little is padded.
        order = [row for row in np.argsort([len(ids) for ids in tokens], kind="stable") if len(tokens[row])]
        starts = range(0, len(order), BATCH)
        for start in tqdm(starts, desc="lyrics", unit="batch", disable=True if len(order) <= BATCH else None):
            rows = order[start : start + BATCH]
            padded = pad_tokens([tokens[row] for row in rows])
            input_ids, mask = (torch.from_numpy(part).to(self.device) for part in padded)
            vectors[rows] = self.encoder(input_ids, mask).float().cpu().numpy()
        return vectors


def distinct_lines(text: str) -> list[str]:
    """The lines of a song that are read one by one, each once."""
    return list(dict.fromkeys(line.strip() for line in text.split("\n") if line.strip()))[:MAX_LINES]
