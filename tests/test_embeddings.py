"""Vectors of frozen encoders: the encoder's own, computed once, found by content."""

import numpy as np
import pytest
import torch

from research import embeddings
from research.embeddings import lyrics_vectors
from research.models.lyrics import LyricsConfig, LyricsEncoder

WORDS = [np.array([101, 2000 + i, 2001, 102], dtype=np.int32)[: 3 + i % 2] for i in range(5)]
NONE = np.zeros(0, dtype=np.int32)


@pytest.fixture
def config(tiny_bert) -> LyricsConfig:
    return LyricsConfig(model=str(tiny_bert), trainable_layers=0)


@torch.no_grad()
def test_vectors_are_the_encoders_own(config, tmp_path):
    found = lyrics_vectors([*WORDS, NONE], config, tmp_path)
    encoder = LyricsEncoder(config).eval()
    for ids, vector in zip(WORDS, found, strict=False):
        input_ids = torch.from_numpy(ids.astype(np.int64))[None]
        alone = encoder(input_ids, torch.ones_like(input_ids))[0].numpy()
        np.testing.assert_allclose(vector, alone, rtol=0, atol=1e-6)  # float32; in a batch the sums run differently
    assert not found[-1].any()


def test_nothing_is_computed_twice_and_new_words_are_added(config, tmp_path, monkeypatch):
    encoded = []
    encode = embeddings._encode
    monkeypatch.setattr(embeddings, "_encode", lambda encoder, ids: encoded.append(len(ids)) or encode(encoder, ids))
    first = lyrics_vectors(WORDS[:3], config, tmp_path)
    again = lyrics_vectors([WORDS[2], WORDS[3], NONE, WORDS[0]], config, tmp_path)
    assert encoded == [3, 1]
    np.testing.assert_array_equal(again[[0, 3]], first[[2, 0]])
    np.testing.assert_array_equal(lyrics_vectors(WORDS[:3], config, tmp_path), first)
    assert encoded == [3, 1]


def test_other_weights_have_a_file_of_their_own(config, tmp_path, tiny_bert):
    from transformers import BertModel

    other = tmp_path / "other_bert"
    torch.manual_seed(1)
    bert = BertModel(BertModel.from_pretrained(tiny_bert).config)
    bert.save_pretrained(other)
    before = lyrics_vectors(WORDS, config, tmp_path / "embeddings")
    after = lyrics_vectors(WORDS, LyricsConfig(model=str(other), trainable_layers=0), tmp_path / "embeddings")
    assert len(list((tmp_path / "embeddings").iterdir())) == 2
    assert np.abs(before - after).max() > 0.1
