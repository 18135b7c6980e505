"""Attention by plain products gives what torch's own gives, for answer and gradients."""

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from research.models import attention
from research.models.attention import NAME, attend
from research.models.lyrics import MINILM, LyricsConfig, LyricsEncoder


@pytest.fixture
def heads() -> list[torch.Tensor]:
    """Query, key and value: 5 texts, 3 heads, 7 tokens, 8 wide."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(5, 3, 7, 8, generator=generator).bfloat16().requires_grad_() for _ in range(3)]


def seen(lengths: list[int], tokens: int) -> torch.Tensor:
    """(texts, 1, tokens, tokens): every token sees the real ones."""
    return (torch.arange(tokens) < torch.tensor(lengths)[:, None])[:, None, None].expand(-1, 1, tokens, tokens)


@pytest.mark.parametrize("texts_at_once", [1, 2, 5])
@pytest.mark.parametrize("lengths", [None, [7, 1, 3, 7, 5]])
def test_answer_and_gradients_are_those_of_torch_in_float32(heads, lengths, texts_at_once, monkeypatch):
    monkeypatch.setattr(attention, "SCORES_AT_ONCE", texts_at_once * 3 * 7 * 7)
    mask = None if lengths is None else seen(lengths, 7)
    weight = torch.randn(5, 7, 3, 8, generator=torch.Generator().manual_seed(1))
    found, _ = attend(nn.Module(), *heads, mask)
    gradients = torch.autograd.grad((found.float() * weight).sum(), heads)
    wide = [side.detach().float().requires_grad_() for side in heads]
    expected = scaled_dot_product_attention(*wide, attn_mask=mask).transpose(1, 2)
    wanted = torch.autograd.grad((expected * weight).sum(), wide)
    # bfloat16 keeps 8 bits: values of order 1 after a few roundings.
    torch.testing.assert_close(found.float(), expected, atol=0.02, rtol=0.02)
    for gradient, exact in zip(gradients, wanted, strict=True):
        torch.testing.assert_close(gradient.float(), exact, atol=0.05, rtol=0.05)


def test_what_is_masked_has_no_say(heads):
    mask = seen([7, 1, 3, 7, 5], 7)
    query, key, value = heads
    other = torch.where(mask[:, :, :1].transpose(2, 3), value, torch.full_like(value, 9.0))
    assert torch.equal(attend(nn.Module(), query, key, value, mask)[0], attend(nn.Module(), query, key, other, mask)[0])


def test_dropout_leaves_out_shares_in_training_alone(heads):
    module = nn.Module().eval()
    whole, kept = (attend(module, *heads, None, dropout=share)[0] for share in (0.0, 0.5))
    assert torch.equal(whole, kept)
    module.train()
    assert attend(module, *heads, None, dropout=1.0)[0].abs().max() == 0


def test_an_encoder_that_learns_in_bfloat16_uses_it_and_agrees(monkeypatch):
    encoder = LyricsEncoder(LyricsConfig(model=MINILM)).eval()  # no dropout of hidden values
    assert encoder.bert.config._attn_implementation == NAME
    monkeypatch.setattr(attention, "sdpa_attention_forward", lambda *_, **__: pytest.fail("torch's own was used"))
    ids, mask = torch.randint(1_000, 2_000, (3, 12)), (torch.arange(12) < torch.tensor([[12], [5], [9]])).long()
    with torch.autocast("cpu", torch.bfloat16):
        found = encoder(ids, mask)
    monkeypatch.undo()
    with torch.no_grad():
        exact = encoder(ids, mask)  # float32, torch's own
    assert torch.cosine_similarity(found, exact).min() > 0.999
