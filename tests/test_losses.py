"""Class weights against a hand sum and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from research.losses import balanced_weights, uniform_weights


def test_balanced_weights_are_scikit_learns():
    counts = torch.tensor([55, 35, 10])
    expected = compute_class_weight("balanced", classes=np.arange(3), y=np.repeat(np.arange(3), counts))
    np.testing.assert_allclose(balanced_weights(counts).numpy(), expected, rtol=1e-6)  # float32
    assert balanced_weights(counts)[2].item() == pytest.approx(100 / 30, rel=1e-6)  # by hand: n / (labels * count)


def test_balanced_weights_leave_the_mean_weight_of_a_song_at_one():
    counts = torch.tensor([7, 1, 92])
    assert (balanced_weights(counts) * counts).sum().item() == pytest.approx(100, rel=1e-6)
    assert uniform_weights(counts).tolist() == [1, 1, 1]


def test_a_mood_without_songs_is_refused():
    with pytest.raises(ValueError, match=r"no training song of label \[1\]"):
        balanced_weights(torch.tensor([3, 0, 2]))
