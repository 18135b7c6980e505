"""The mood classifier: an encoder a side, one or both, and what joins them. One model for every experiment."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from research.batch import Batch
from research.models.audio import AudioConfig, AudioEncoder
from research.models.frozen import frozen_encoder
from research.models.fusion import FUSIONS, OneSide, output_layers
from research.models.lyrics import LyricsConfig, LyricsEncoder, encoder_dim


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    audio: AudioConfig | None = AudioConfig()
    """The sound side; None: a model of the words alone."""
    lyrics: LyricsConfig | None = LyricsConfig()
    """The words' side; None: a model of the sound alone."""
    fusion: str = "late"
    """How both sides are joined: concat, gated or late."""
    dim: int = 128
    """Width in which the sides meet."""
    dropout: float = 0.3
    """On what the heads read."""

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "ModelConfig":
        """Back from what a run folder keeps of it."""
        audio, lyrics = values["audio"], values["lyrics"]
        return cls(
            **{
                **values,
                "audio": None if audio is None else AudioConfig(**{**audio, "frozen": tuple(audio.get("frozen", ()))}),
                "lyrics": None if lyrics is None else LyricsConfig(**lyrics),
            }
        )


class MoodClassifier(nn.Module):
    """`model(batch) -> logits`; a side that a song lacks is neither computed nor guessed (see models.fusion)."""

    def __init__(self, config: ModelConfig, *, n_labels: int, n_mels: int, pretrained: bool = True):
        """With `pretrained=False` nothing is loaded or downloaded: for weights that a run folder brings.

        Raises:
            ValueError: no side at all, or an unknown fusion.
        """
        super().__init__()
        if config.audio is None and config.lyrics is None:
            raise ValueError("a model needs at least one side: audio, lyrics or both")
        if config.fusion not in FUSIONS:
            raise ValueError(f"unknown fusion {config.fusion!r}; there are {sorted(FUSIONS)}")
        self.config = config
        self.audio = self.lyrics = None
        if config.audio is not None:
            if config.audio.frozen:  # stands before the model: its vectors come with the batch
                dim = sum(frozen_encoder(name).width for name in config.audio.frozen)
            else:
                start = config.audio if pretrained else replace(config.audio, weights=None)
                self.audio = AudioEncoder(start, n_mels)
                dim = self.audio.dim
            self.audio_projection = _projection(dim, config.dim)
        if config.lyrics is not None:
            if not config.lyrics.frozen:
                self.lyrics = LyricsEncoder(config.lyrics, pretrained)
            self.lyrics_projection = _projection(encoder_dim(config.lyrics), config.dim)
        join = OneSide if config.audio is None or config.lyrics is None else FUSIONS[config.fusion]
        self.join = join(config.dim, n_labels, config.dropout)

    def forward(self, batch: Batch) -> Float[Tensor, "batch labels"]:
        if self.config.lyrics is None:
            logits = self.join(self._embed_audio(batch), batch.has_audio)
        elif self.config.audio is None:
            logits = self.join(self._embed_lyrics(batch), batch.has_lyrics)
        else:
            logits = self.join(self._embed_audio(batch), self._embed_lyrics(batch), batch.has_audio, batch.has_lyrics)
        return logits.float()

    @torch.no_grad()
    def start_tags_at(self, logits: Float[Tensor, " tags"]) -> None:
        """Let untrained heads answer these logits for the tags, the last labels, whatever the song: their bias.

        Rare tags otherwise spend the first epochs on becoming rare. Source: Lin et al. 2017, "Focal loss for dense
        object detection", section 4.1.
        """
        for head in output_layers(self.join):
            head.bias[-len(logits) :] = logits.to(head.bias)

    def parameter_groups(self, learning_rate: float, weight_decay: float) -> list[dict]:
        """Optimiser groups: each encoder at its own rate, new layers at `learning_rate`; no decay on vectors.

        Vectors are biases and the scales of norms: shrinking those only hurts (as in GPT-2's and timm's recipes).
        """
        rates = {"audio.": self.config.audio, "lyrics.": self.config.lyrics}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            if not parameter.requires_grad:
                continue
            encoder = next((config for prefix, config in rates.items() if name.startswith(prefix)), None)
            rate = learning_rate if encoder is None else encoder.learning_rate
            decay = weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rate, decay), []).append(parameter)
        return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]

    def _embed_audio(self, batch: Batch) -> Float[Tensor, "batch dim"]:
        here = batch.has_audio
        embedding = torch.zeros(len(here), self.config.dim, device=here.device)
        if here.any():
            sound = batch.audio_vectors[here] if self.audio is None else self.audio(batch.mel[here])
            embedding[here] = self.audio_projection(sound).float()
        return embedding

    def _embed_lyrics(self, batch: Batch) -> Float[Tensor, "batch dim"]:
        here = batch.has_lyrics
        embedding = torch.zeros(len(here), self.config.dim, device=here.device)
        if here.any():
            if self.lyrics is None:
                words = batch.lyrics_vectors[here]
            else:
                words = self.lyrics(batch.input_ids[here], batch.attention_mask[here])
            embedding[here] = self.lyrics_projection(words).float()
        return embedding


def _projection(encoder_dim: int, dim: int) -> nn.Module:
    return nn.Sequential(nn.LayerNorm(encoder_dim), nn.Linear(encoder_dim, dim), nn.GELU())
