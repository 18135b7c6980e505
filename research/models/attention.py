"""Attention for fine-tuning a lyrics encoder on a CPU in bfloat16.

torch's fused kernel has a fast forward pass, but its bfloat16 backward is slower than plain products (torch 2.15, one
core, 16 texts, forward and backward: 129 against 85 ms at 256 tokens, 68 against 23 at 128, 28 against 5 at 44).
"""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import dropout as drop
from transformers import AttentionInterface, AttentionMaskInterface, PreTrainedModel
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

NAME = "plain_products"
SCORES_AT_ONCE = 2**20
"""Between all tokens of some texts and all heads: 2 MB, and as much again for each step, stay in the cache."""

Heads = Float[Tensor, "batch heads tokens width"]


def attend_quickly(encoder: PreTrainedModel) -> None:
    """Let an encoder that uses torch's fused attention use `attend` instead; others stay as they are."""
    if encoder.config._attn_implementation == "sdpa" and encoder._supports_attention_backend:
        AttentionInterface.register(NAME, attend)
        AttentionMaskInterface.register(NAME, sdpa_mask)
        encoder.set_attn_implementation(NAME)


def attend(
    module: nn.Module,
    query: Heads,
    key: Heads,
    value: Heads,
    attention_mask: Bool[Tensor, "batch 1 tokens tokens"] | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    **others,
) -> tuple[Float[Tensor, "batch tokens heads width"], None]:
    """Scaled dot-product attention by plain products, a few texts at a time, where that is quicker; else torch's.

    The arguments and the answer are those of an attention function of transformers. Scores and
    shares are rounded to bfloat16, what happens within the softmax is not.
    """
    plain = others.get("position_bias") is None and not getattr(module, "is_causal", False)
    if not (plain and query.device.type == "cpu" and query.dtype == torch.bfloat16 and query.requires_grad):
        return sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout=dropout, scaling=scaling, **others
        )
    scaling = query.shape[3] ** -0.5 if scaling is None else scaling
    texts = max(1, SCORES_AT_ONCE // (query.shape[1] * query.shape[2] * key.shape[2]))
    bias = query.new_zeros(1, 1, 1, 1)
    if attention_mask is not None:
        bias = query.new_zeros(attention_mask.shape).masked_fill(~attention_mask, torch.finfo(query.dtype).min)
    parts = zip(*(side.split(texts) for side in (query, key, value, bias.expand(len(query), -1, -1, -1))), strict=True)
    attended = []
    with torch.autocast("cpu", enabled=False):  # it would widen the scores before the softmax, which sums in float32
        for asking, asked, told, hidden in parts:
            scores = (asking * scaling) @ asked.transpose(2, 3) + hidden
            attended.append(drop(scores.softmax(dim=-1), dropout, module.training) @ told)
    return torch.cat(attended).transpose(1, 2).contiguous(), None
