"""The mood classifier: one encoder per modality, audio or lyrics or both, and their fusion; used by all experiments."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from research.batch import Batch
from research.models.audio import AudioConfig, AudioEncoder
from research.models.frozen import frozen_encoder
from research.models.fusion import FUSIONS, Logits, OneSide, Present
from research.models.lyrics import LyricsConfig, LyricsEncoder, encoder_dim

SMALLEST_SPREAD = 1e-6
"""A value with less spread counts as constant over training songs; a third of the published networks' values are."""
ENDLESS_SPREAD = 1e30
"""Spread set for a constant value, so that its difference in another song counts as nothing. Finite, because weight
averaging also averages it."""
FARTHEST = 5.0
"""Standard deviations; values are clipped here, beyond is an outlier of one song."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    audio: AudioConfig | None = AudioConfig()
    """Audio encoder; None: a lyrics-only model."""
    lyrics: LyricsConfig | None = LyricsConfig()
    """Lyrics encoder; None: an audio-only model."""
    fusion: str = "late"
    """Fusion method: concat, gated, late, or cross_attention (trainable encoders only)."""
    dim: int = 128
    """Width to which both modalities are projected before fusion."""
    dropout: float = 0.3
    """Dropout on the input of the heads."""

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
    """`model(batch) -> logits`; a missing modality is neither computed nor imputed (see models.fusion)."""

    def __init__(self, config: ModelConfig, *, n_labels: int, n_mels: int, pretrained: bool = True):
        """With `pretrained=False` nothing is loaded or downloaded: for weights that a run folder brings.

        Raises:
            ValueError: no side at all, or an unknown fusion.
        """
        super().__init__()
        if config.audio is None and config.lyrics is None:
            raise ValueError("a model needs at least one modality: audio, lyrics or both")
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
            self.audio_projection = _projection(dim, config, frozen=self.audio is None)
        if config.lyrics is not None:
            if not config.lyrics.frozen:
                self.lyrics = LyricsEncoder(config.lyrics, pretrained)
            self.lyrics_projection = _projection(encoder_dim(config.lyrics), config, frozen=self.lyrics is None)
        join = OneSide if config.audio is None or config.lyrics is None else FUSIONS[config.fusion]
        if join.reads_sequences and (self.audio is None or self.lyrics is None):
            raise ValueError(
                f"{config.fusion} reads frames and tokens, a frozen encoder leaves one vector; let both learn"
            )
        self.join = join(config.dim, n_labels, config.dropout)

    def forward(self, batch: Batch, sides: bool = False) -> Logits | tuple[Logits, list[tuple[Logits, Present]]]:
        """Logits of each song; with `sides` also those of each modality alone, and which songs have that modality."""
        if self.config.lyrics is None:
            audio, here = self._embed_audio(batch)
            logits, alone = self.join(audio, here), []
        elif self.config.audio is None:
            words, here = self._embed_lyrics(batch)
            logits, alone = self.join(words, here), []
        else:
            (audio, heard), (words, read) = self._embed_audio(batch), self._embed_lyrics(batch)
            logits, alone = self.join(audio, words, heard, read), []
            if sides:
                nothing = torch.zeros_like
                alone = [
                    (self.join(audio, words, heard, nothing(read)).float(), batch.has_audio),
                    (self.join(audio, words, nothing(heard), read).float(), batch.has_lyrics),
                ]
        return (logits.float(), alone) if sides else logits.float()

    def standardise(
        self, audio: Float[np.ndarray, "heard audio_dim"], lyrics: Float[np.ndarray, "read lyrics_dim"]
    ) -> None:
        """Learn mean and spread of the frozen encoders' values, from training songs."""
        if self.config.audio is not None and self.audio is None and len(audio):
            self.audio_projection[0].fit(audio)
        if self.config.lyrics is not None and self.lyrics is None and len(lyrics):
            self.lyrics_projection[0].fit(lyrics)

    @torch.no_grad()
    def start_tags_at(self, logits: Float[Tensor, " tags"]) -> None:
        """Set the heads' bias so that, before training, they answer these logits for the tags (the last labels).

        Otherwise the first epochs are spent learning that rare tags are rare. Source: Lin et al. 2017, "Focal loss for
        dense object detection", section 4.1.
        """
        for head in self.join.heads:
            head.bias[-len(logits) :] = logits.to(head.bias)

    def parameter_groups(self, learning_rate: float, weight_decay: float) -> list[dict]:
        """Optimiser groups: each layer of an encoder at its rate, new layers at `learning_rate`; no decay on vectors.

        Vectors are biases and the scales of norms: shrinking those only hurts (as in GPT-2's and timm's recipes).
        """
        rates = self._encoder_rates()
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for parameter in self.parameters():
            if not parameter.requires_grad:
                continue
            decay = weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((rates.get(parameter, learning_rate), decay), []).append(parameter)
        return [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()]

    def unfreeze(self, n_layers: int) -> None:
        """Let the top layers of each encoder learn, and no others; new layers always do.

        Source: the gradual unfreezing of Howard & Ruder 2018 (arXiv:1801.06146), section 3.3.
        """
        for encoder in (self.audio, self.lyrics):
            for depth, layer in enumerate(encoder.layers() if encoder is not None else ()):
                for parameter in layer:
                    parameter.requires_grad_(depth < n_layers)

    def _encoder_rates(self) -> dict[nn.Parameter, float]:
        rates = {}
        for encoder, config in ((self.audio, self.config.audio), (self.lyrics, self.config.lyrics)):
            if encoder is not None:
                rates |= dict.fromkeys(encoder.parameters(), config.learning_rate)
                for depth, layer in enumerate(encoder.layers()):
                    rates |= dict.fromkeys(layer, config.learning_rate * config.layer_decay**depth)
        return rates

    def _embed_audio(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Projected audio embeddings, (batch, dim) or (batch, places, dim), and which songs have audio."""
        here, heard = batch.has_audio, batch.heard
        if not len(heard):
            return self._nothing(here)
        if self.audio is None or batch.audio_vectors.shape[1]:  # the network's own vectors may be computed before
            sound = batch.audio_vectors[heard]
        elif self.join.reads_sequences:
            sound = self.audio.sequence(batch.mel[heard])
        else:
            sound = self.audio(batch.mel[heard])
        return _placed(self.audio_projection(sound), here, heard)

    def _embed_lyrics(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Projected lyrics embeddings, (batch, dim) or (batch, tokens, dim), and which songs have lyrics."""
        here, read = batch.has_lyrics, batch.read
        if not len(read):
            return self._nothing(here)
        if self.lyrics is None or batch.lyrics_vectors.shape[1]:
            words = batch.lyrics_vectors[read]
        elif self.join.reads_sequences:
            words = self.lyrics.sequence(batch.input_ids[read], batch.attention_mask[read])
        else:
            words = self.lyrics(batch.input_ids[read], batch.attention_mask[read])
        embedding, present = _placed(self.lyrics_projection(words), here, read)
        return embedding, present & (batch.attention_mask > 0) if self.join.reads_sequences else present

    def _nothing(self, here: Present) -> tuple[Tensor, Tensor]:
        shape = (len(here), 1) if self.join.reads_sequences else (len(here),)
        return torch.zeros(*shape, self.config.dim, device=here.device), here.view(shape)


class Standardise(nn.Module):
    """Values of frozen encoders in units of their spread over the training songs, which `fit` learns.

    One that was the same in all of them is 0 in any song: nothing was learned of it, and a trace of it elsewhere would
    count as `FARTHEST`.
    """

    def __init__(self, dim: int):
        super().__init__()
        self.register_buffer("mean", torch.zeros(dim))
        self.register_buffer("spread", torch.ones(dim))

    def fit(self, vectors: Float[np.ndarray, "songs dim"]) -> None:
        self.mean.copy_(torch.from_numpy(vectors.mean(axis=0)))
        spread = vectors.std(axis=0)
        self.spread.copy_(
            torch.from_numpy(np.where(spread < SMALLEST_SPREAD, ENDLESS_SPREAD, spread + SMALLEST_SPREAD))
        )

    def forward(self, vectors: Float[Tensor, "batch dim"]) -> Float[Tensor, "batch dim"]:
        return ((vectors - self.mean) / self.spread).clamp(-FARTHEST, FARTHEST)


def _placed(embedding: Tensor, here: Present, places: Int[Tensor, " here"]) -> tuple[Tensor, Tensor]:
    """Embeddings of the songs that have a side among all songs of the batch, and the mask of what is real."""
    everywhere = torch.zeros(len(here), *embedding.shape[1:], device=here.device)
    everywhere = everywhere.index_copy(0, places, embedding.float())
    return everywhere, here[:, None].expand(everywhere.shape[:2]) if embedding.ndim == 3 else here


def _projection(encoder_dim: int, config: ModelConfig, frozen: bool) -> nn.Module:
    if frozen:
        return nn.Sequential(
            Standardise(encoder_dim), nn.Dropout(config.dropout), nn.Linear(encoder_dim, config.dim), nn.GELU()
        )
    return nn.Sequential(nn.LayerNorm(encoder_dim), nn.Linear(encoder_dim, config.dim), nn.GELU())
