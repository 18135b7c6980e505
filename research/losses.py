"""What training minimises: cross-entropy, plain or weighted by how rare a mood is."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

Counts = Int[Tensor, " labels"]
Weights = Float[Tensor, " labels"]


def uniform_weights(counts: Counts) -> Weights:
    return torch.ones(len(counts))


def balanced_weights(counts: Counts) -> Weights:
    """Weight n / (labels * count): every mood weighs the same in sum.

    Args:
        counts: training songs per mood.

    Raises:
        ValueError: a mood has no training song, so no weight can make up for it.

    Source: King & Zeng 2001; scikit-learn's class_weight="balanced".
    """
    if (counts == 0).any():
        empty = torch.nonzero(counts == 0).flatten().tolist()
        raise ValueError(f"no training song of label {empty}; drop the label or use more songs per split")
    return counts.sum() / (len(counts) * counts)


CLASS_WEIGHTS = {"none": uniform_weights, "balanced": balanced_weights}
