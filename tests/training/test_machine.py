"""What training sets on a GPU, told apart without one: the settings are torch's, whatever is there to obey them."""

import numpy as np
import pytest
import torch

from research.data.dataset import SongDataset
from research.training.config import TrainConfig
from research.training.machine import allow_tf32, make_accelerator


@pytest.fixture
def precision():
    """The setting before and after a test."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    yield torch.get_float32_matmul_precision
    torch.set_float32_matmul_precision(before)


def test_a_gpu_multiplies_in_tf32_and_a_cpu_does_not(precision, monkeypatch):
    make_accelerator(TrainConfig(precision="fp32"))
    assert precision() == "highest"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    allow_tf32()  # ACCELERATE_USE_CPU says to leave the GPU alone
    assert precision() == "highest"
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.delenv("ACCELERATE_USE_CPU")
    allow_tf32()
    assert precision() == "high"
    assert torch.backends.cuda.matmul.fp32_precision == torch.backends.cudnn.conv.fp32_precision == "tf32"


@pytest.mark.parametrize(("cpu", "expected"), [({}, "no"), ({"avx512_bf16": True}, "bf16")])
def test_a_gpu_that_is_left_alone_does_not_decide_the_precision(monkeypatch, cpu, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: expected == "no")
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: cpu)
    assert make_accelerator(TrainConfig()).mixed_precision == expected  # ACCELERATE_USE_CPU is set
    with pytest.raises(ValueError, match="fp16 needs a GPU"):
        make_accelerator(TrainConfig(precision="fp16"))


@pytest.mark.parametrize("cuda", [False, True])
def test_nobody_waits_for_copies_from_pinned_memory_alone(small_songs, monkeypatch, cuda):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    accelerator = make_accelerator(TrainConfig(precision="fp32"))
    loader = accelerator.prepare(SongDataset(small_songs, np.arange(4)).loader(4))
    assert (loader.pin_memory, loader._non_blocking) == (cuda, cuda)
