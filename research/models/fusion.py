"""Ways to join the two sides of a song; every one turns two embeddings and who is present into logits."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

Embedding = Float[Tensor, "batch dim"]
Present = Bool[Tensor, " batch"]
Logits = Float[Tensor, "batch labels"]
Sequence = Float[Tensor, "batch places dim"]
Places = Bool[Tensor, "batch places"]
Frames = Float[Tensor, "batch frames dim"]
Tokens = Float[Tensor, "batch tokens dim"]
Heard = Bool[Tensor, "batch frames"]
Read = Bool[Tensor, "batch tokens"]
HEADS = 4
"""Of attention."""


@runtime_checkable
class Join(Protocol):
    """What a fusion is: an `nn.Module` that is built by `(dim, n_labels, dropout)` and called by `(audio, lyrics,
    has_audio, has_lyrics)`.

    Any song may lack a side or both: what stands in its place then is never read, and the answer is finite.
    """

    reads_sequences: ClassVar[bool]
    """Whether it reads a vector for each frame and token, (batch, places, dim), which frozen encoders do not leave;
    else one for each song."""

    @property
    def heads(self) -> list[nn.Linear]:
        """The layers that end in labels, with a bias."""
        ...


class ConcatFusion(nn.Module):
    """One head on both embeddings side by side; a missing side is replaced by a learned vector."""

    reads_sequences = False

    def __init__(self, dim: int, n_labels: int, dropout: float):
        super().__init__()
        self.missing_audio = nn.Parameter(torch.zeros(dim))
        self.missing_lyrics = nn.Parameter(torch.zeros(dim))
        self.hidden = nn.Sequential(nn.Linear(2 * dim, dim), nn.GELU(), nn.Dropout(dropout))
        self.head = nn.Linear(dim, n_labels)

    @property
    def heads(self) -> list[nn.Linear]:
        return [self.head]

    def forward(self, audio: Embedding, lyrics: Embedding, has_audio: Present, has_lyrics: Present) -> Logits:
        audio = torch.where(has_audio[:, None], audio, self.missing_audio.to(audio.dtype))
        lyrics = torch.where(has_lyrics[:, None], lyrics, self.missing_lyrics.to(lyrics.dtype))
        return self.head(self.hidden(torch.cat([audio, lyrics], dim=-1)))


class GatedFusion(nn.Module):
    """A learned gate per song and feature. Source: Arevalo et al. 2017 (arXiv:1702.01992), without its tanh.

    Where one side is missing the gate is shut on it: the song is judged by the other side alone.
    """

    reads_sequences = False

    def __init__(self, dim: int, n_labels: int, dropout: float):
        super().__init__()
        self.gate = nn.Linear(2 * dim, dim)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(dim, n_labels)

    @property
    def heads(self) -> list[nn.Linear]:
        return [self.head]

    def forward(self, audio: Embedding, lyrics: Embedding, has_audio: Present, has_lyrics: Present) -> Logits:
        return self.head(self.dropout(self.mix(audio, lyrics, has_audio, has_lyrics)))

    def mix(self, audio: Embedding, lyrics: Embedding, has_audio: Present, has_lyrics: Present) -> Embedding:
        gate = torch.sigmoid(self.gate(torch.cat([audio, lyrics], dim=-1)))
        gate = torch.where(has_lyrics[:, None], gate, 1.0)
        gate = torch.where(has_audio[:, None], gate, 0.0)
        return gate * audio + (1 - gate) * lyrics


class LateFusion(nn.Module):
    """A head per side and the mean of their logits over the sides present (a product of experts).

    For moods that is the mean of log-probabilities but for a constant a song, which softmax takes out again; for tags,
    the mean of log-odds.

    Source: Hinton 2002, "Training products of experts"; the late fusion of Laurier et al. 2008 averages probabilities.
    """

    reads_sequences = False

    def __init__(self, dim: int, n_labels: int, dropout: float):
        super().__init__()
        self.audio = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, n_labels))
        self.lyrics = nn.Sequential(nn.Dropout(dropout), nn.Linear(dim, n_labels))

    @property
    def heads(self) -> list[nn.Linear]:
        return [self.audio[-1], self.lyrics[-1]]

    def forward(self, audio: Embedding, lyrics: Embedding, has_audio: Present, has_lyrics: Present) -> Logits:
        experts = torch.stack([self.audio(audio), self.lyrics(lyrics)])  # (2, batch, labels)
        present = torch.stack([has_audio, has_lyrics]).unsqueeze(-1).to(experts.dtype)  # (2, batch, 1)
        return (experts * present).sum(dim=0) / present.sum(dim=0).clamp(min=1)


class CrossAttentionFusion(nn.Module):
    """Lyric tokens listen to the spectrogram, its frames read the tokens; then concatenation of both means.

    Source: the cross-modal attention of Tsai et al. 2019 (arXiv:1906.00295), one layer each way. Where a side is
    missing the other attends to a learned token alone, and the missing mean is replaced as in `ConcatFusion`.
    """

    reads_sequences = True

    def __init__(self, dim: int, n_labels: int, dropout: float):
        super().__init__()
        self.nothing = nn.Parameter(torch.zeros(1, 1, dim))
        self.listen = nn.MultiheadAttention(dim, HEADS, batch_first=True)
        self.read = nn.MultiheadAttention(dim, HEADS, batch_first=True)
        self.concat = ConcatFusion(dim, n_labels, dropout)

    @property
    def heads(self) -> list[nn.Linear]:
        return self.concat.heads

    def forward(self, audio: Frames, lyrics: Tokens, has_audio: Heard, has_lyrics: Read) -> Logits:
        words = lyrics + self._attend(self.listen, lyrics, audio, has_audio)
        frames = audio + self._attend(self.read, audio, lyrics, has_lyrics)
        sides = _mean(frames, has_audio), _mean(words, has_lyrics)
        return self.concat(*sides, has_audio.any(dim=1), has_lyrics.any(dim=1))

    def _attend(
        self, attention: nn.MultiheadAttention, asking: Float[Tensor, "batch asking dim"], asked: Sequence, real: Places
    ) -> Float[Tensor, "batch asking dim"]:
        keys = torch.cat([self.nothing.expand(len(asked), -1, -1).to(asked.dtype), asked], dim=1)
        masked = torch.cat([torch.zeros_like(real[:, :1]), ~real], dim=1)
        return attention(asking, keys, keys, key_padding_mask=masked, need_weights=False)[0]


class OneSide(nn.Module):
    """The head of a one-side model: a song without that side is given what was learned of such songs."""

    reads_sequences = False

    def __init__(self, dim: int, n_labels: int, dropout: float):
        super().__init__()
        self.missing = nn.Parameter(torch.zeros(dim))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(dim, n_labels)

    @property
    def heads(self) -> list[nn.Linear]:
        return [self.head]

    def forward(self, embedding: Embedding, present: Present) -> Logits:
        embedding = torch.where(present[:, None], embedding, self.missing.to(embedding.dtype))
        return self.head(self.dropout(embedding))


@contextmanager
def head_inputs(join: Join) -> Iterator[list[Tensor]]:
    """Collects what the layers that end in labels read: a tensor (batch, values) a forward pass, in their order.

    Of a late fusion the two sides' vectors side by side.
    """
    heads, parts, found = join.heads, [], []

    def keep(_: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        parts.append(inputs[0].detach())
        if len(parts) == len(heads):
            found.append(torch.cat(parts, dim=-1))
            parts.clear()

    hooks = [head.register_forward_pre_hook(keep) for head in heads]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _mean(sequence: Sequence, real: Places) -> Embedding:
    weight = real.unsqueeze(-1).to(sequence.dtype)
    return (sequence * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


FUSIONS: dict[str, type[Join]] = {
    "concat": ConcatFusion,
    "gated": GatedFusion,
    "late": LateFusion,
    "cross_attention": CrossAttentionFusion,
}
