"""Losses and weights for moods against hand sums, torch's own and scikit-learn."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight

from research.losses.moods import (
    LOSSES,
    FocalLoss,
    LogitAdjustedCrossEntropy,
    balanced_weights,
    effective_number_weights,
    mood_loss,
    uniform_weights,
)

COUNTS = torch.tensor([55, 35, 10])


def random_songs(n: int = 16) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 3, generator=generator), torch.randint(3, (n,), generator=generator)


def test_balanced_weights_are_scikit_learns():
    expected = compute_class_weight("balanced", classes=np.arange(3), y=np.repeat(np.arange(3), COUNTS))
    np.testing.assert_allclose(balanced_weights(COUNTS).numpy(), expected, rtol=1e-6)  # float32
    assert balanced_weights(COUNTS)[2].item() == pytest.approx(100 / 30, rel=1e-6)  # by hand: n / (labels * count)


def test_balanced_weights_leave_the_mean_weight_of_a_song_at_one():
    counts = torch.tensor([7, 1, 92])
    assert (balanced_weights(counts) * counts).sum().item() == pytest.approx(100, rel=1e-6)
    assert uniform_weights(counts).tolist() == [1, 1, 1]


def test_effective_numbers_by_hand():
    # beta .5: one song counts 1, two count 1.5, three 1.75; weights 1, 2/3 and 4/7, scaled to a sum of 3.
    found = effective_number_weights(torch.tensor([1, 2, 3]), beta=0.5)
    by_hand = np.array([1, 2 / 3, 4 / 7]) * 3 / (1 + 2 / 3 + 4 / 7)
    np.testing.assert_allclose(found.numpy(), by_hand, rtol=1e-6)  # float32


def test_effective_numbers_lie_between_no_weights_and_inverse_counts():
    ratio = {
        beta: (w := effective_number_weights(COUNTS, beta))[2].item() / w[0].item() for beta in (0.0, 0.99, 0.9999)
    }
    assert ratio[0.0] == 1
    assert ratio[0.9999] == pytest.approx(5.5, rel=0.01)  # inverse counts: 55 / 10
    assert 1 < ratio[0.99] < 5.5


@pytest.mark.parametrize("weights", [balanced_weights, effective_number_weights])
def test_a_mood_without_songs_is_refused(weights):
    with pytest.raises(ValueError, match=r"no training song of label \[1\]"):
        weights(torch.tensor([3, 0, 2]))


def test_focal_loss_of_one_song_by_hand():
    logits = torch.tensor([[math.log(6), math.log(3), 0.0]])  # probabilities .6, .3, .1
    loss = FocalLoss(COUNTS, torch.ones(3), label_smoothing=0.0)
    assert loss(logits, torch.tensor([1])).item() == pytest.approx(0.7**2 * -math.log(0.3), rel=1e-6)
    assert loss(logits, torch.tensor([0])).item() == pytest.approx(0.4**2 * -math.log(0.6), rel=1e-6)


@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_focal_loss_without_focus_is_torchs_weighted_cross_entropy(label_smoothing):
    logits, targets = random_songs()
    weights = balanced_weights(COUNTS)
    expected = F.cross_entropy(logits, targets, weights, label_smoothing=label_smoothing)
    found = FocalLoss(COUNTS, weights, label_smoothing, gamma=0.0)(logits, targets)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)  # float32 sums in another order


def test_logit_adjustment_by_hand():
    logits = torch.zeros(1, 3)
    for target, prior in enumerate((0.55, 0.35, 0.10)):  # equal logits become the priors themselves
        loss = LogitAdjustedCrossEntropy(COUNTS, torch.ones(3), label_smoothing=0.0)(logits, torch.tensor([target]))
        assert loss.item() == pytest.approx(-math.log(prior), rel=1e-6)


def test_logit_adjustment_of_balanced_moods_changes_nothing():
    logits, targets = random_songs()
    loss = mood_loss("logit_adjusted", "none", 0.1, torch.tensor([20, 20, 20]))
    torch.testing.assert_close(loss(logits, targets), F.cross_entropy(logits, targets, label_smoothing=0.1))


@pytest.mark.parametrize("name", LOSSES)
def test_losses_fall_along_their_gradient_and_bear_sure_logits(name):
    logits, targets = random_songs()
    loss = mood_loss(name, "balanced", 0.1, COUNTS)
    logits.requires_grad_()
    before = loss(logits, targets)
    before.backward()
    assert loss(logits.detach() - 0.1 * logits.grad, targets) < before
    sure = (200.0 * F.one_hot(targets, 3)).requires_grad_()
    loss(-sure, targets).backward()
    assert sure.grad.isfinite().all()


def test_names_and_lost_moods_are_refused():
    with pytest.raises(ValueError, match=r"loss 'hinge' is unknown; choose one of \['cross_entropy', 'focal'"):
        mood_loss("hinge", "none", 0.0, COUNTS)
    with pytest.raises(ValueError, match="class_weights 'inverse' is unknown; choose one of"):
        mood_loss("focal", "inverse", 0.0, COUNTS)
    with pytest.raises(ValueError, match=r"no training song of label \[0\]"):
        mood_loss("logit_adjusted", "none", 0.0, torch.tensor([0, 3, 4]))
