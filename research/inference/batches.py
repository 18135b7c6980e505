"""Batches of songs, and of the segments of one song, for the model."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from research.batch import Batch
from research.inference.listening import Heard
from research.inference.words import SungWords, Words

PIECES = 16
"""Segments judged at once."""


def moments(
    heard: Heard, mel: Tensor | None, vectors: Tensor, words: Words | None, sung: SungWords | None
) -> Iterator[Batch]:
    """Each audio segment as a song of its own, with the lyrics sung then, or all lyrics if that is not known.

    Args:
        mel: (pieces, n_mels, frames), if the fusion reads frames; else `vectors`, (pieces, audio_dim), are used.
        words: of the whole song, a single row.
    """
    pieces = len(heard.starts_s)
    here = np.full(pieces, words is not None) if sung is None else sung.rows >= 0
    if sung is not None:
        # A piece without words takes any row: it is masked.
        words = words_rows(sung.words, np.maximum(sung.rows, 0).tolist())
    elif words is not None:
        words = words_rows(words, [0] * pieces)
    for start in range(0, pieces, PIECES):
        rows = list(range(start, min(start + PIECES, pieces)))
        yield song_batch(
            None if mel is None else mel[rows, None],
            vectors if mel is not None else vectors[rows],
            None if words is None else words_rows(words, rows),
            True,
            torch.from_numpy(here[rows]),
        )


def song_batch(
    mel: Tensor | None, vectors: Tensor, words: Words | None, heard: bool, has_words: Tensor | None = None
) -> Batch:
    """A batch of songs, judged by `mel` (songs, windows, n_mels, frames) or else `vectors` (songs, audio_dim)."""
    songs = len(vectors) if mel is None else len(mel)
    nothing = torch.zeros(songs, 0)
    no_tokens = torch.zeros(songs, 0, dtype=torch.int64)
    return Batch(
        mel=torch.zeros(songs, 0, 1, 1) if mel is None else mel,
        input_ids=no_tokens if words is None else words.input_ids,
        attention_mask=no_tokens if words is None else words.attention_mask,
        audio_vectors=vectors if mel is None else nothing,
        lyrics_vectors=nothing if words is None else words.vectors,
        has_audio=torch.full((songs,), heard),
        has_lyrics=torch.full((songs,), words is not None) if has_words is None else has_words,
        target=torch.full((songs,), -1),
        track_index=torch.arange(songs),
    )


def words_rows(words: Words, rows: list[int]) -> Words:
    """Some texts, in this order."""
    return Words(words.vectors[rows], words.input_ids[rows], words.attention_mask[rows])
