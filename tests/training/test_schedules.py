"""The slides' rate, step by step, against torch's own StepLR and by hand."""

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import StepLR

from research.training.schedules import sgd, steps_down


def rates(optimizer, schedule, n_steps: int) -> list[float]:
    found = schedule.get_last_lr()
    for _ in range(n_steps):
        optimizer.step()
        schedule.step()
        found += schedule.get_last_lr()
    return found


def test_the_rate_falls_tenfold_every_seven_epochs():
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1e-3)
    found = rates(optimizer, steps_down(optimizer, steps_per_epoch=3, step_epochs=7, step_factor=0.1), 3 * 20)
    by_hand = [1e-3] * 21 + [1e-4] * 21 + [1e-5] * 18  # epochs 1-7, 8-14, 15-20, three steps each
    assert found[:-1] == pytest.approx(by_hand, rel=1e-12)  # rounding of doubles
    other = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1e-3)
    assert found[::3] == pytest.approx(rates(other, StepLR(other, 7, 0.1), 20), rel=1e-12)


def test_sgd_has_the_slides_momentum():
    weight = nn.Parameter(torch.zeros(1))
    optimizer = sgd([{"params": [weight], "lr": 1.0, "weight_decay": 0.0}])
    for _ in range(2):
        weight.grad = torch.ones(1)
        optimizer.step()
    assert weight.item() == pytest.approx(-(1 + 1.9), abs=1e-6)  # a step of 1, then of 1 + 0.9 * 1; float32
