"""Cross attention: what is missing or padding is never heard, and songs do not hear each other."""

from dataclasses import fields, replace

import pytest
import torch

from research.batch import Batch
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.fusion import CrossAttentionFusion
from research.models.lyrics import LyricsConfig

DIM, LABELS, FRAMES, TOKENS = 16, 4, 5, 7
NEAR = {"rtol": 0, "atol": 1e-5}  # float32 sums in another order, logits of order 1


@pytest.fixture
def fusion() -> CrossAttentionFusion:
    torch.manual_seed(0)
    fusion = CrossAttentionFusion(DIM, LABELS, dropout=0.0)
    for parameter in fusion.parameters():  # biases and learned tokens start at zero, which would hide them
        parameter.data += 0.1 * torch.randn_like(parameter)
    return fusion.eval()


@pytest.fixture
def sides():
    """Frames, tokens and who is real of three songs: one with both sides, one without words, one without sound."""
    generator = torch.Generator().manual_seed(1)
    audio, lyrics = (torch.randn(3, n, DIM, generator=generator) for n in (FRAMES, TOKENS))
    heard, read = torch.ones(3, FRAMES, dtype=torch.bool), torch.ones(3, TOKENS, dtype=torch.bool)
    heard[2], read[1], read[0, 4:] = False, False, False
    return audio, lyrics, heard, read


@torch.no_grad()
def test_what_is_not_there_is_never_read(fusion, sides):
    audio, lyrics, heard, read = sides
    before = fusion(*sides)
    other_audio = torch.where(heard[..., None], audio, 99.0)
    other_lyrics = torch.where(read[..., None], lyrics, -99.0)
    assert torch.equal(fusion(other_audio, other_lyrics, heard, read), before)
    assert torch.equal(fusion(*sides), before)
    assert before.isfinite().all()
    # but what is there is: a token changes the answer through the frames as well
    other_lyrics = lyrics.clone()
    other_lyrics[0, 0] += 1
    assert not torch.allclose(fusion(audio, other_lyrics, heard, read)[0], before[0], atol=1e-3)


@torch.no_grad()
def test_padding_changes_nothing(fusion, sides):
    audio, lyrics, heard, read = sides
    tight = fusion(audio[:1], lyrics[:1, :4], heard[:1], read[:1, :4])
    torch.testing.assert_close(fusion(*sides)[:1], tight, **NEAR)


@torch.no_grad()
def test_a_song_alone_is_the_song_in_a_batch_in_any_order(fusion, sides):
    together = fusion(*sides)
    alone = torch.cat([fusion(*(side[row : row + 1] for side in sides)) for row in range(3)])
    torch.testing.assert_close(together, alone, **NEAR)
    order = [2, 0, 1]
    torch.testing.assert_close(fusion(*(side[order] for side in sides)), together[order], **NEAR)


@torch.no_grad()
def test_attention_is_softmax_of_scaled_products_with_a_token_of_nothing(fusion, sides):
    audio, lyrics, heard, _ = sides
    attention, n_heads = fusion.listen, 4
    keys = torch.cat([fusion.nothing.expand(3, 1, DIM), audio], dim=1)
    asked = torch.nn.functional.linear(lyrics, attention.in_proj_weight[:DIM], attention.in_proj_bias[:DIM])
    offered = torch.nn.functional.linear(keys, attention.in_proj_weight[DIM:], attention.in_proj_bias[DIM:])
    asked = asked.unflatten(2, (n_heads, -1)).transpose(1, 2)  # (songs, heads, tokens, DIM / heads)
    key, value = (part.unflatten(2, (n_heads, -1)).transpose(1, 2) for part in offered.chunk(2, dim=2))
    products = asked @ key.transpose(2, 3) / (DIM / n_heads) ** 0.5
    products[:, :, :, 1:] += torch.where(heard, 0.0, -torch.inf)[:, None, None]
    expected = attention.out_proj((products.softmax(dim=3) @ value).transpose(1, 2).flatten(2))
    found = fusion._attend(attention, lyrics, audio, heard)
    torch.testing.assert_close(found, expected, **NEAR)
    # A song without sound offers the token of nothing alone: every word hears the same.
    torch.testing.assert_close(found[2], found[2, :1].expand(TOKENS, DIM), **NEAR)


def test_nothing_is_learned(fusion, sides):
    fusion(*sides).sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in fusion.parameters())


@pytest.fixture(scope="module")
def model(tiny_bert) -> MoodClassifier:
    torch.manual_seed(0)
    lyrics = LyricsConfig(model=str(tiny_bert))
    return MoodClassifier(ModelConfig(lyrics=lyrics, fusion="cross_attention", dim=DIM), n_labels=4, n_mels=33).eval()


@pytest.fixture
def batch() -> Batch:
    generator, mask = torch.Generator().manual_seed(0), torch.ones(3, 8, dtype=torch.long)
    mask[1, 4:] = 0
    return Batch(
        mel=20 * torch.randn(3, 2, 33, 72, generator=generator) - 30,
        input_ids=torch.randint(1000, 20000, (3, 8), generator=generator) * mask,
        attention_mask=mask,
        audio_vectors=torch.zeros(3, 0),
        lyrics_vectors=torch.zeros(3, 0),
        has_audio=torch.tensor([True, True, False]),
        has_lyrics=torch.tensor([True, True, True]),
        target=torch.arange(3),
        track_index=torch.arange(3),
    )


@torch.no_grad()
def test_the_classifier_hands_over_frames_and_tokens(model, batch):
    together = model(batch)
    parts = [{field.name: getattr(batch, field.name)[[row]] for field in fields(batch)} for row in range(3)]
    alone = torch.cat([model(Batch(**part)) for part in parts])
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-4)  # float32, through the encoders
    other = replace(batch, mel=torch.where(batch.has_audio[:, None, None, None], batch.mel, 7.0))
    assert torch.equal(model(other), together)
    silent = replace(batch, has_audio=torch.zeros(3, dtype=torch.bool))
    mute = replace(batch, has_lyrics=torch.zeros(3, dtype=torch.bool))
    assert not torch.allclose(model(silent)[:2], together[:2], atol=1e-4)
    assert not torch.allclose(model(mute), together, atol=1e-4)
    # What each side answers alone is the answer to songs without the other.
    joint, ((sound, heard), (words, read)) = model(batch, sides=True)
    assert torch.equal(joint, together)
    torch.testing.assert_close(sound, model(mute), **NEAR)
    torch.testing.assert_close(words, model(silent), **NEAR)
    assert torch.equal(heard, batch.has_audio)
    assert torch.equal(read, batch.has_lyrics)


def test_frozen_encoders_leave_nothing_to_attend_to(tiny_bert):
    frozen = LyricsConfig(model=str(tiny_bert), trainable_layers=0)
    with pytest.raises(ValueError, match=r"cross_attention reads frames and tokens.*; let both learn"):
        MoodClassifier(ModelConfig(lyrics=frozen, fusion="cross_attention"), n_labels=4, n_mels=33)
