"""Losses for tags, of which a song has any number, and for moods and tags learned together.

A target is 1 (has the tag), 0 (has not) or NaN (not known, left out of the mean).
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.ops import sigmoid_focal_loss

TagLogits = Float[Tensor, "batch tags"]
TagTargets = Float[Tensor, "batch tags"]
Share = Float[Tensor, " tags"]
"""Share of the training songs that have a tag, 0 to 1."""
Loss = Float[Tensor, ""]


def log_odds(share: Share) -> Share:
    """Of tags that no song or every song has, those of one song in a thousand."""
    return torch.logit(share, eps=1e-3)


class BinaryCrossEntropy(nn.Module):
    """-log sigmoid(logit) of each tag that a song has, -log(1 - sigmoid(logit)) of each that it has not."""

    def __init__(self, share: Share):
        super().__init__()
        self.start = log_odds(share)

    def forward(self, logits: TagLogits, targets: TagTargets) -> TagLogits:
        return F.binary_cross_entropy_with_logits(logits, targets, reduction="none")


class WeightedBinaryCrossEntropy(nn.Module):
    """The same with (1 - share) / share on the songs that have the tag: both sides of a tag weigh the same in sum.

    Raises:
        ValueError: a tag without training song.

    Source: King & Zeng 2001, "Logistic regression in rare events data", for each tag.
    """

    def __init__(self, share: Share):
        super().__init__()
        if (share == 0).any():
            empty = torch.nonzero(share == 0).flatten().tolist()
            raise ValueError(f"no training song has tag {empty}; raise the least number of songs a tag needs")
        self.register_buffer("pos_weight", (1 - share) / share)
        self.start = torch.zeros_like(share)  # under these weights every tag is as good as even

    def forward(self, logits: TagLogits, targets: TagTargets) -> TagLogits:
        return F.binary_cross_entropy_with_logits(logits, targets, pos_weight=self.pos_weight, reduction="none")


class BinaryFocal(nn.Module):
    """alpha (1 - p)^gamma on -log p of a tag that a song has, (1 - alpha) p^gamma on -log(1 - p) of one it has not.

    Source: Lin et al. 2017, "Focal loss for dense object detection", equation 5 (torchvision's); gamma 2, alpha .25.
    """

    def __init__(self, share: Share):
        super().__init__()
        self.start = log_odds(share)

    def forward(self, logits: TagLogits, targets: TagTargets) -> TagLogits:
        return sigmoid_focal_loss(logits, targets, alpha=0.25, gamma=2.0, reduction="none")


class Asymmetric(nn.Module):
    """-log p of a tag that a song has; -q^4 log(1 - q) with q = max(p - .05, 0) of one it has not.

    The many absent tags are focused, and those already below the margin of .05 are dropped.

    Source: Ridnik et al. 2021, "Asymmetric loss for multi-label classification", equations 5 to 7; gamma+ 0, gamma- 4.
    """

    def __init__(self, share: Share, gamma: float = 4.0, margin: float = 0.05):
        super().__init__()
        self.gamma = gamma
        self.margin = margin
        self.start = log_odds(share)

    def forward(self, logits: TagLogits, targets: TagTargets) -> TagLogits:
        shifted = (logits.sigmoid() - self.margin).clamp(min=0)
        absent = shifted**self.gamma * (1 - shifted).log()
        return -(targets * F.logsigmoid(logits) + (1 - targets) * absent)


# Each also says where heads should `start`: the logits that suit a tag as long as nothing is known of the song.
TAG_LOSSES: dict[str, Callable[[Share], nn.Module]] = {
    "bce": BinaryCrossEntropy,
    "weighted_bce": WeightedBinaryCrossEntropy,
    "focal": BinaryFocal,
    "asymmetric": Asymmetric,
}


class TagLoss(nn.Module):
    """Mean over the known tags of all songs of one of `TAG_LOSSES`."""

    def __init__(self, name: str, targets: TagTargets):
        """
        Args:
            targets: of all training songs.

        Raises:
            ValueError: an unknown loss, or a tag without the songs that it needs.
        """
        super().__init__()
        if name not in TAG_LOSSES:
            raise ValueError(f"tag_loss {name!r} is unknown; choose one of {sorted(TAG_LOSSES)}")
        self.elements = TAG_LOSSES[name](targets.nanmean(dim=0))

    @property
    def start(self) -> Share:
        """Logits of the tags from which to begin."""
        return self.elements.start

    def forward(self, logits: TagLogits, targets: TagTargets) -> Loss:
        known = ~targets.isnan()
        return (self.elements(logits, targets.nan_to_num()) * known).sum() / known.sum().clamp(min=1)


class MoodAndTagLoss(nn.Module):
    """Loss of the mood plus loss of the tags; a song without known mood teaches its tags alone.

    Logits and targets hold the moods first, the targets as 1 of the true mood (NaN throughout where none is known).
    """

    def __init__(self, mood_loss: nn.Module, tag_loss: TagLoss, n_moods: int):
        super().__init__()
        self.mood_loss = mood_loss
        self.tag_loss = tag_loss
        self.n_moods = n_moods

    @property
    def start(self) -> Share:
        return self.tag_loss.start

    def forward(self, logits: TagLogits, targets: TagTargets) -> Loss:
        loss = self.tag_loss(logits[:, self.n_moods :], targets[:, self.n_moods :])
        known = ~targets[:, 0].isnan()
        if known.any():
            moods = targets[known, : self.n_moods].argmax(dim=1)
            loss = loss + self.mood_loss(logits[known, : self.n_moods], moods)
        return loss
