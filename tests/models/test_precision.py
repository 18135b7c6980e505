"""What the machine computes in: the GPU where there is one, else the CPU by its instructions."""

import pytest
import torch

from research.models import precision
from research.models.precision import computes_bf16, cpu_computes_bf16, fast_products, forgo_bf16


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
