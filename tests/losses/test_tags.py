"""Losses for tags against hand sums; unknown tags and moods teach nothing."""

import math

import pytest
import torch
import torch.nn.functional as F

from research.losses.moods import mood_loss
from research.losses.tags import TAG_LOSSES, MoodAndTagLoss, TagLoss

NAN = math.nan
TRAIN = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, NAN]])
"""One song of four has the first tag, one of three the second."""
LOGIT = math.log(0.8 / 0.2)
"""Probability .8."""
BY_HAND = {
    "bce": (-math.log(0.8), -math.log(0.2)),
    "weighted_bce": (-3 * math.log(0.8), -math.log(0.2)),  # three songs without the first tag, one with it
    "focal": (-0.25 * 0.2**2 * math.log(0.8), -0.75 * 0.8**2 * math.log(0.2)),
    "asymmetric": (-math.log(0.8), -(0.75**4) * math.log(0.25)),  # .8 less the margin of .05
}


@pytest.mark.parametrize("name", TAG_LOSSES)
def test_one_song_and_tag_by_hand(name):
    loss = TagLoss(name, TRAIN)
    for target, expected in zip((1.0, 0.0), BY_HAND[name], strict=True):
        found = loss(torch.tensor([[LOGIT, 0.0]]), torch.tensor([[target, NAN]]))
        assert found.item() == pytest.approx(expected, rel=1e-5)  # float32


def test_the_mean_is_over_known_tags():
    logits = torch.tensor([[LOGIT, -LOGIT], [0.3, LOGIT]])
    targets = torch.tensor([[1.0, 0.0], [NAN, 0.0]])
    assert TagLoss("bce", TRAIN)(logits, targets).item() == pytest.approx(
        -(2 * math.log(0.8) + math.log(0.2)) / 3, rel=1e-5
    )


def test_songs_that_nobody_tagged_cost_nothing():
    logits = torch.randn(3, 2, requires_grad=True)
    loss = TagLoss("bce", TRAIN)(logits, torch.full((3, 2), NAN))
    loss.backward()
    assert loss.item() == 0
    assert logits.grad.abs().max() == 0


def test_an_absent_tag_below_the_margin_costs_nothing():
    logits = torch.tensor([[-4.0, -4.0]], requires_grad=True)  # probability .018
    loss = TagLoss("asymmetric", TRAIN)(logits, torch.zeros(1, 2))
    loss.backward()
    assert loss.item() == logits.grad.abs().max().item() == 0


@pytest.mark.parametrize("name", TAG_LOSSES)
def test_sure_logits_have_finite_gradients(name):
    logits = torch.tensor([[200.0, -200.0], [-200.0, 200.0]], requires_grad=True)
    TagLoss(name, TRAIN)(logits, torch.tensor([[0.0, 1.0], [1.0, 0.0]])).backward()
    assert logits.grad.isfinite().all()


def test_moods_and_tags_add_and_a_song_without_mood_teaches_its_tags():
    moods = mood_loss("cross_entropy", "none", 0.0, torch.tensor([2, 1]))
    loss = MoodAndTagLoss(moods, TagLoss("bce", TRAIN), n_moods=2)
    logits = torch.tensor([[1.0, -1.0, LOGIT, 0.5], [0.0, 2.0, 0.1, -LOGIT]])
    targets = torch.tensor([[0.0, 1.0, 1.0, NAN], [NAN, NAN, NAN, 0.0]])
    expected = F.cross_entropy(logits[:1, :2], torch.tensor([1])).item() - math.log(0.8)
    assert loss(logits, targets).item() == pytest.approx(expected, rel=1e-5)
    assert loss(logits[1:], targets[1:]).item() == pytest.approx(-math.log(0.8), rel=1e-5)


def test_without_a_song_the_losses_answer_how_frequent_a_tag_is():
    quarter = torch.tensor([[1.0], [0.0], [0.0], [0.0]])
    for name in ("bce", "weighted_bce"):  # whose best constant answer it is: no gradient there
        loss = TagLoss(name, quarter)
        logits = loss.start.expand(4, 1).clone().requires_grad_()
        loss(logits, quarter).backward()
        assert logits.grad.sum().item() == pytest.approx(0, abs=1e-6)  # float32
        assert loss.start.item() == pytest.approx({"bce": -math.log(3), "weighted_bce": 0.0}[name], rel=1e-6)
    assert TagLoss("focal", torch.zeros(4, 1)).start.isfinite().all()


def test_a_tag_without_songs_cannot_be_weighted():
    with pytest.raises(ValueError, match=r"no training song has tag \[1\]"):
        TagLoss("weighted_bce", torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    with pytest.raises(ValueError, match="tag_loss 'cross_entropy' is unknown; choose one of"):
        TagLoss("cross_entropy", TRAIN)


def test_weights_move_with_the_loss_and_are_absent_over_present_songs():
    assert TagLoss("weighted_bce", TRAIN).state_dict()["elements.pos_weight"].tolist() == pytest.approx(
        [3, 2], rel=1e-6
    )
