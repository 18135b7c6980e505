"""The network that answers gives what the network that learned gives."""

import pytest
import torch
from torch import nn

from research.inference.folded import fold_norms
from research.models.audio import AudioConfig, AudioEncoder
from research.models.precision import fast_products


def learned(network: str) -> AudioEncoder:
    """Norms as after a training: none of them leaves its input as it is."""
    torch.manual_seed(0)
    encoder = AudioEncoder(AudioConfig(network=network), n_mels=128).eval()
    for norm in encoder.modules():
        if isinstance(norm, nn.BatchNorm2d):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias, std=0.1)
            norm.running_mean.normal_(std=0.1)
            norm.running_var.uniform_(0.5, 2)
    return encoder


@pytest.mark.parametrize("network", ["resnet18", "resnet50", "short_chunk"])
@torch.inference_mode()
def test_folded_answers_are_those_of_the_network(network, monkeypatch):
    monkeypatch.setattr("research.models.precision.cpu_computes_bf16", lambda: False)
    encoder, mel = learned(network), torch.randn(2, 3, 128, 258)
    quick = fold_norms(encoder)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in quick.modules())
    expected = encoder(mel)
    scale = expected.abs().max()
    torch.testing.assert_close(quick(mel) / scale, expected / scale, atol=1e-5, rtol=0)  # rounding over 50 layers


@torch.inference_mode()
def test_in_bfloat16_they_stay_as_near_as_casting_does():
    encoder, mel = learned("resnet18"), torch.randn(2, 3, 128, 258)
    expected = encoder(mel)
    with fast_products():
        cast, quick = encoder(mel).float(), fold_norms(encoder)(mel).float()
    allowed = 2 * (cast - expected).abs().max() + 1e-4  # the latter for a CPU without bfloat16, where both are fp32
    assert (quick - expected).abs().max() <= allowed


def test_the_network_that_is_explained_and_exported_stays_as_it_was():
    encoder = learned("resnet18")
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    fold_norms(encoder)
    after = encoder.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
