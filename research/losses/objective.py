"""The objective of a training step: loss of the fused answer and of each modality alone, mixup, swapped lyrics."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

from research.batch import Batch, PictureBatch

Loss = Tensor


def step_loss(
    network: nn.Module,
    criterion: nn.Module,
    batch: Batch | PictureBatch,
    *,
    side_loss: float,
    mixup: float,
    swap_lyrics: float,
) -> Loss:
    """Loss of a batch.

    Args:
        side_loss: share of the loss on the sides' own answers, 0 to 1; 1 trains a mean of experts.
        mixup: songs are mixed in pairs, the shares drawn from Beta(mixup, mixup); 0 leaves them as they are.
        swap_lyrics: share of songs with both sides that are given another song's words; for these the words need not
            answer alone.

    Source of mixup: Zhang et al. 2018 (arXiv:1710.09412).
    """
    misled = torch.zeros(len(batch.target), dtype=torch.bool, device=batch.target.device)
    if swap_lyrics:
        batch, misled = swap_words(batch, swap_lyrics)
    targets = [(batch.target, 1.0)]
    if mixup:
        share = float(torch.distributions.Beta(mixup, mixup).sample())
        partners = mixing_partners(batch)
        targets = [(batch.target, share), (batch.target[partners], 1 - share)]
        batch, misled = mix_songs(batch, partners, share), misled | misled[partners]

    def cost(logits: Tensor, places: Tensor | slice = slice(None)) -> Loss:
        return sum(share * criterion(logits[places], target[places]) for target, share in targets)

    if not side_loss:
        return cost(network(batch))
    joint, alone = network(batch, sides=True)
    asked = batch.heard, torch.nonzero(batch.has_lyrics & ~misled).flatten() if swap_lyrics else batch.read
    sides = [cost(logits, places) for (logits, _), places in zip(alone, asked, strict=False) if len(places)]
    if not sides:
        return cost(joint)
    return (1 - side_loss) * cost(joint) + side_loss * sum(sides) / len(sides)


def swap_words(batch: Batch, share: float) -> tuple[Batch, Bool[Tensor, " batch"]]:
    """Some songs with both sides are given the words of another song of the batch; returns also which.

    Args:
        share: of the songs with both sides, drawn anew for each batch.
    """
    readers = batch.read
    n, device = len(batch.target), batch.target.device
    if len(readers) < 2:
        return batch, torch.zeros(n, dtype=torch.bool, device=device)
    misled = (torch.rand(n) < share).to(device) & batch.has_audio & batch.has_lyrics
    further = torch.randint(1, len(readers), (n,)).to(device)
    others = readers[(batch.has_lyrics.cumsum(dim=0) - 1 + further) % len(readers)]
    source = torch.where(misled, others, torch.arange(n, device=device))
    mask = batch.attention_mask[source]
    # Nobody may have the longest words any more, and no encoder reads mere padding.
    longest = int(mask.sum(dim=1).max())
    swapped = batch.with_inputs(
        input_ids=batch.input_ids[source, :longest],
        attention_mask=mask[:, :longest],
        lyrics_vectors=batch.lyrics_vectors[source],
    )
    return swapped, misled


def mixing_partners(batch: Batch) -> Int[Tensor, " batch"]:
    """Another song for each, at random among those that have the same sides (perhaps itself)."""
    kinds = batch.has_audio.long() * 2 + batch.has_lyrics.long()
    partners = torch.arange(len(kinds), device=kinds.device)
    for kind in kinds.unique():
        rows = torch.nonzero(kinds == kind).flatten()
        partners[rows] = rows[torch.randperm(len(rows)).to(rows.device)]
    return partners


def mix_songs(batch: Batch, partners: Int[Tensor, " batch"], share: float) -> Batch:
    """`share` of each song and the rest of its partner: spectrograms in dB, and vectors of frozen encoders.

    Raises:
        ValueError: the batch holds words as tokens, which cannot be mixed.
    """
    if batch.attention_mask.any() and not batch.lyrics_vectors.shape[1]:
        raise ValueError("mixup cannot mix lyrics for a trainable lyrics encoder; set train.mixup 0 or freeze it")

    def mixed(values: Tensor) -> Tensor:
        return (share * values + (1 - share) * values[partners]).to(values.dtype)

    return batch.with_inputs(
        mel=mixed(batch.mel),
        audio_vectors=mixed(batch.audio_vectors),
        lyrics_vectors=mixed(batch.lyrics_vectors),
    )
