"""A song's lyrics as a model reads them: all, or, if lines have times, those sung at a given time."""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from research.batch import pad_tokens
from research.data.songs import InputConfig
from research.features.lyrics import clean_lyrics, tokenize_lyrics
from research.models.classifier import MoodClassifier
from research.models.frozen_lyrics import FrozenLyrics
from research.models.lyrics import load_tokenizer
from research.models.precision import fast_products, with_cast_weights

LINE_TIME = re.compile(r"\[(\d+):(\d+(?:[.:]\d+)?)\]")
BLOCK_S = 10.0
"""Segments whose middles lie in the same interval of this length share a text, because encoding is expensive."""
AROUND_S = 10.0
"""Lines sung this long before and after an interval count for it, because a single line rarely shows a mood."""
LINE_S = 10.0
"""A line is assumed to last no longer than this; the rest before the next line may be instrumental."""


@dataclass(frozen=True, eq=False)
class Words:
    """Several encoded texts."""

    vectors: Float[Tensor, "texts lyrics_dim"]
    """No columns if the fusion reads tokens."""
    input_ids: Int[Tensor, "texts tokens"]
    attention_mask: Int[Tensor, "texts tokens"]
    """No columns if the model uses `vectors`."""


@dataclass(frozen=True, eq=False)
class SungWords:
    """Lyrics sung around each segment of a song."""

    words: Words
    """One row per text."""
    rows: Int[np.ndarray, " pieces"]
    """Row of each segment's text; -1 where nothing is sung."""


class Reader:
    """The lyrics encoder of a model; thread-safe."""

    def __init__(self, model: MoodClassifier, inputs: InputConfig):
        self._max_tokens = inputs.max_tokens
        config = model.config.lyrics
        self.frozen = FrozenLyrics(config, inputs.max_tokens) if config.frozen else None
        self._frozen = self.frozen.with_cast_weights() if self.frozen is not None else None
        learned = self.frozen is None and not model.join.reads_sequences
        self._learned = with_cast_weights(model.lyrics) if learned else None
        self.tokenizer = load_tokenizer(config)

    @torch.inference_mode()
    def read(self, texts: list[str]) -> Words:
        """Encode clean texts, each with at least one word, in the form that the model's fusion reads."""
        no_tokens, no_vectors = torch.zeros(len(texts), 0, dtype=torch.int64), torch.zeros(len(texts), 0)
        if self._frozen is not None:
            with fast_products():
                return Words(torch.from_numpy(self._frozen.vectors(texts)), no_tokens, no_tokens)
        tokens = tokenize_lyrics(texts, self.tokenizer, self._max_tokens)
        input_ids, mask = (torch.from_numpy(array) for array in pad_tokens(tokens))
        if self._learned is None:
            return Words(no_vectors, input_ids, mask)
        with fast_products():
            return Words(self._learned(input_ids, mask), no_tokens, no_tokens)

    def read_sung(
        self, raw: str, starts_s: Float[np.ndarray, " pieces"], ends_s: Float[np.ndarray, " pieces"]
    ) -> SungWords | None:
        """Lyrics around each segment of a song; None if the text has no times."""
        lines = timed_lines(raw)
        blocks, block_of = np.unique((starts_s + ends_s) / 2 // BLOCK_S, return_inverse=True)
        texts = words_at(lines, blocks * BLOCK_S, (blocks + 1) * BLOCK_S)
        if not any(texts):
            return None
        sung = np.array([bool(text) for text in texts])
        rows = np.where(sung, np.cumsum(sung) - 1, -1)
        return SungWords(self.read([text for text in texts if text]), rows[block_of])


def timed_lines(text: str) -> list[tuple[float, str]]:
    """Lines of synced lyrics (LRC, "[01:02.50] words") with their start in seconds, in order; empty for plain text."""
    lines = []
    for line in text.splitlines():
        sung = clean_lyrics(line)
        for minutes, seconds in LINE_TIME.findall(line):
            if sung:
                lines.append((60 * int(minutes) + float(seconds.replace(":", ".")), sung))
    return sorted(lines)


def words_at(lines: list[tuple[float, str]], starts_s: np.ndarray, ends_s: np.ndarray) -> list[str]:
    """Lyrics sung in and around each interval; empty where there are none."""
    ends = [after[0] for _, after in pairwise(lines)] + [np.inf] if lines else []
    ends = [min(end, start + LINE_S) for (start, _), end in zip(lines, ends, strict=True)]
    return [
        "\n".join(
            text
            for (begin, text), finish in zip(lines, ends, strict=True)
            if begin < end_s + AROUND_S and finish > start_s - AROUND_S
        )
        for start_s, end_s in zip(starts_s, ends_s, strict=True)
    ]
