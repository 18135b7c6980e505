"""What the machine computes in: the GPU where there is one, else the CPU by its instructions."""

import pytest
import torch
from torch import nn

from research.models import precision
from research.models.precision import (
    computes_bf16,
    cpu_computes_bf16,
    fast_products,
    forgo_bf16,
    with_cast_weights,
)


@pytest.mark.parametrize(
    ("instructions", "native"),
    [({}, False), ({"avx512_bf16": True}, True), ({"avx512_bf16": False, "avx2": True}, False), ({"bf16": True}, True)],
)
def test_a_cpu_is_judged_by_its_instructions(monkeypatch, instructions, native):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: instructions)
    assert cpu_computes_bf16() == computes_bf16() == native


def test_bf16_can_be_forgone(monkeypatch):
    monkeypatch.setattr(precision, "_forgone", False)  # and so again after the test
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    with fast_products():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.bfloat16
    forgo_bf16()
    with fast_products():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


@pytest.mark.parametrize("native", [True, False])
def test_a_gpu_decides_for_itself_and_not_for_the_cpu(monkeypatch, native):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native or including_emulation)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": not native})
    assert computes_bf16() == native
    assert cpu_computes_bf16() != native


class Tokens(nn.Module):
    """Every kind of layer that matters: looked up, multiplied, normed."""

    def __init__(self):
        super().__init__()
        self.look_up, self.convolve = nn.Embedding(10, 64), nn.Conv2d(1, 1, 3, padding=1)
        self.norm, self.multiply = nn.LayerNorm(64), nn.Linear(64, 64)

    def forward(self, ids):
        return self.multiply(self.norm(self.convolve(self.look_up(ids)[:, None]).float()[:, 0]))


@torch.inference_mode()
def test_weights_cast_once_give_the_bits_of_weights_cast_at_every_call(monkeypatch):
    monkeypatch.setattr(precision, "cpu_computes_bf16", lambda: True)
    network, ids = Tokens().eval(), torch.arange(10).reshape(2, 5)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    quick = with_cast_weights(network)
    assert quick.multiply.weight.dtype == quick.convolve.weight.dtype == torch.bfloat16
    with fast_products():
        assert torch.equal(quick(ids), network(ids))
    assert quick.look_up.weight is network.look_up.weight
    assert quick.norm.weight is network.norm.weight
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())


def test_without_bfloat16_a_network_stays_as_it_is(monkeypatch):
    monkeypatch.setattr(precision, "cpu_computes_bf16", lambda: False)
    network = Tokens()
    assert with_cast_weights(network) is network
