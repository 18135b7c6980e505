"""Vectors of frozen lyrics encoders: the encoder's own, computed once, found by content."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from research.embeddings import lyrics_vectors
from research.models.frozen_lyrics import FrozenLyrics
from research.models.lyrics import LyricsConfig, LyricsEncoder, load_tokenizer

TEXTS = [f"the rain falls on street {i}\nand we sing\nand we sing" + " again" * i for i in range(5)]
MAX_TOKENS = 64


@pytest.fixture
def config(tiny_bert) -> LyricsConfig:
    return LyricsConfig(model=str(tiny_bert), trainable_layers=0)


@torch.no_grad()
@pytest.mark.parametrize("pooling", ["mean", "cls"])
def test_vectors_are_the_encoders_own(config, tmp_path, pooling):
    config = replace(config, pooling=pooling)
    found = lyrics_vectors([*TEXTS, " "], config, MAX_TOKENS, tmp_path)
    encoder, tokenizer = LyricsEncoder(config).eval(), load_tokenizer(config)
    for text, vector in zip(TEXTS, found, strict=False):
        alone = encoder(**{k: v for k, v in tokenizer(text, return_tensors="pt").items() if k != "token_type_ids"})
        np.testing.assert_allclose(vector, alone[0].numpy(), rtol=0, atol=1e-6)  # in a batch sums run differently
    assert not found[-1].any()


def test_lines_are_read_once_each_and_alone(config):
    by_line = FrozenLyrics(replace(config, pooling="lines"), MAX_TOKENS)
    by_song = FrozenLyrics(config, MAX_TOKENS)
    lines = by_song.vectors(["the rain falls", "and we sing"])
    found = by_line.vectors(["the rain falls\nand we sing\n\n  and we sing ", ""])
    np.testing.assert_allclose(found[0], np.concatenate([lines.mean(axis=0), lines.max(axis=0)]), rtol=0, atol=1e-6)
    assert not found[1].any()


def test_nothing_is_computed_twice_and_new_words_are_added(config, tmp_path, monkeypatch):
    encoded = []
    vectors = FrozenLyrics.vectors
    monkeypatch.setattr(FrozenLyrics, "vectors", lambda self, texts: encoded.append(len(texts)) or vectors(self, texts))
    first = lyrics_vectors(TEXTS[:3], config, MAX_TOKENS, tmp_path)
    again = lyrics_vectors([TEXTS[2], TEXTS[3], "", TEXTS[0]], config, MAX_TOKENS, tmp_path)
    assert encoded == [3, 1]
    np.testing.assert_array_equal(again[[0, 3]], first[[2, 0]])
    np.testing.assert_array_equal(lyrics_vectors(TEXTS[:3], config, MAX_TOKENS, tmp_path), first)
    assert encoded == [3, 1]


def test_other_weights_and_settings_have_files_of_their_own(config, tmp_path, tiny_bert):
    from transformers import BertModel

    other = tmp_path / "other_bert"
    torch.manual_seed(1)
    bert = BertModel(BertModel.from_pretrained(tiny_bert).config)
    bert.save_pretrained(other)
    folder = tmp_path / "embeddings"
    before = lyrics_vectors(TEXTS, config, MAX_TOKENS, folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"):
        if (tiny_bert / name).is_file():
            (other / name).write_bytes((tiny_bert / name).read_bytes())
    after = lyrics_vectors(TEXTS, LyricsConfig(model=str(other), trainable_layers=0), MAX_TOKENS, folder)
    lyrics_vectors(TEXTS, config, 4, folder)
    assert len(list(folder.iterdir())) == 3
    assert np.abs(before - after).max() > 0.1


def test_a_pooling_that_must_learn_is_refused_where_nothing_learns(config):
    with pytest.raises(ValueError, match="attention"):
        LyricsEncoder(replace(config, pooling="attention"))
    with pytest.raises(ValueError, match="lines"):
        LyricsEncoder(replace(config, pooling="lines", trainable_layers=None))


@torch.no_grad()
def test_long_words_are_read_in_pieces(config):
    encoder = LyricsEncoder(config).eval()
    assert encoder.chunk == 64  # what this BERT has positions for
    ids = torch.arange(100)[None] + 5
    mask = torch.ones_like(ids)
    pieces = [encoder.sequence(ids[:, part], mask[:, part]) for part in (slice(0, 64), slice(64, 100))]
    torch.testing.assert_close(encoder.sequence(ids, mask), torch.cat(pieces, dim=1), rtol=0, atol=1e-5)
