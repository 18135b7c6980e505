"""A song's lyrics as tokens, and token attributions mapped back to words."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from research.batch import pad_tokens
from research.features.lyrics import CHARACTERS_PER_TOKEN
from research.models.frozen_lyrics import distinct_lines

NO_WORD = -1
"""Special tokens and padding."""


@dataclass(frozen=True)
class Word:
    """A word between white space."""

    text: str
    place: int
    """Among the words of the clean lyrics, from 0."""
    line: int
    """Of the clean lyrics, from 0."""
    weight: float
    """What it adds to the log-odds of the explained label, natural units."""


@dataclass(frozen=True, eq=False)
class Text:
    """Clean lyrics, read whole (one unit) or line by line."""

    input_ids: Int[Tensor, "units tokens"]
    attention_mask: Int[Tensor, "units tokens"]
    neutral_ids: Int[Tensor, "units tokens"]
    """The same length without words: padding between the special tokens."""
    word_of: Int[np.ndarray, "units tokens"]
    """Word that each token belongs to, or `NO_WORD`."""
    words: tuple[str, ...]
    lines: tuple[int, ...]
    """Line of each word."""

    def weighed(self, tokens: Float[np.ndarray, "units tokens"]) -> tuple[Word, ...]:
        """Numbers of tokens summed by word; words that no token stands for, beyond the cut, are left out."""
        real = self.word_of != NO_WORD
        weights = np.bincount(self.word_of[real], tokens[real], minlength=len(self.words))
        read = np.unique(self.word_of[real]).tolist()
        return tuple(Word(self.words[at], at, self.lines[at], float(weights[at])) for at in read)


def read_text(text: str, tokenizer: Callable[..., Mapping], pad_id: int, max_tokens: int, by_line: bool) -> Text:
    """Tokens of clean lyrics, as `research.features.lyrics.tokenize_lyrics` has them.

    Args:
        tokenizer: a fast one of Hugging Face, which knows where in the text each token stands.
        pad_id: its token that says nothing.
        max_tokens: longer units are cut here.
        by_line: each distinct line is a unit, read alone.
    """
    found = [(match.span(), text.count("\n", 0, match.start())) for match in re.finditer(r"\S+", text)]
    first_letters = np.array([start for (start, _), _ in found])
    units = list(_lines(text)) if by_line else [(text, 0)]
    ids, word_of = [], []
    for unit, begin in units:
        cut = unit[: max_tokens * CHARACTERS_PER_TOKEN]
        encoded = tokenizer(cut, truncation=True, max_length=max_tokens, return_offsets_mapping=True)
        ids.append(np.array(encoded["input_ids"], np.int32))
        # By its last letter: some tokenizers count the space before a word as the token's.
        ends = np.array([end for _, end in encoded["offset_mapping"]])
        places = np.searchsorted(first_letters, begin + ends - 1, side="right") - 1
        word_of.append(np.where(ends > 0, places, NO_WORD))
    input_ids, mask = pad_tokens(ids)
    aligned = np.full(input_ids.shape, NO_WORD)
    for row, places in enumerate(word_of):
        aligned[row, : len(places)] = places
    return Text(
        input_ids=torch.from_numpy(input_ids),
        attention_mask=torch.from_numpy(mask),
        neutral_ids=torch.from_numpy(np.where(aligned == NO_WORD, input_ids, pad_id)),
        word_of=aligned,
        words=tuple(text[start:end] for (start, end), _ in found),
        lines=tuple(line for _, line in found),
    )


def without_words(text: str, gone: set[int]) -> str:
    """The lyrics without some of their words, counted over white space from 0; lines stay lines."""
    kept, number = [], 0
    for line in text.split("\n"):
        words = line.split()
        kept.append(" ".join(word for at, word in enumerate(words, number) if at not in gone))
        number += len(words)
    return "\n".join(kept)


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Each line that is read, at its first occurrence, with where in the text it begins."""
    wanted, begin = set(distinct_lines(text)), 0
    for line in text.split("\n"):
        if (stripped := line.strip()) in wanted:
            wanted.remove(stripped)
            yield stripped, begin + line.index(stripped)
        begin += len(line) + 1
