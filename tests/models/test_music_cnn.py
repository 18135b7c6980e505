"""Networks of the published taggers against their definitions in plain layers of torch."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from research.models.music_cnn import FiveLayerCNN, MusicNN, _TallConv

N_MELS, FRAMES = 12, 37  # more than two blocks of frames, the last one cut
TIMBRAL, TEMPORAL = (5, 9), (8, 4, 7)  # odd and even lengths


def randomised(network: nn.Module) -> nn.Module:
    """In eval mode, with norms as after a training: any mean, spread and scale, of which half are negative."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for values in (module.weight, module.bias, module.running_mean):
                values.data.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return network.eval()


def mels(batch: int = 2, n_mels: int = N_MELS, frames: int = FRAMES) -> Tensor:
    return torch.randn(batch, n_mels, frames, generator=torch.Generator().manual_seed(1))


def normed(maps: Tensor, norm: nn.Module) -> Tensor:
    """BatchNorm by its formula, over any number of axes after the channels."""
    shape = (-1, *[1] * (maps.ndim - 2))
    mean, var, scale, shift = (
        values.view(shape) for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return (maps - mean) / (var + norm.eps).sqrt() * scale + shift


def tall(mel: Tensor, layer: nn.Module, norm_first: bool) -> Tensor:
    length = layer.conv.kernel_size[1]
    padded = F.pad(mel.unsqueeze(1), ((length - 1) // 2, length // 2))  # TensorFlow's "same": the odd one behind
    maps = F.conv2d(padded, layer.conv.weight, layer.conv.bias)
    maps = normed(maps, layer.norm).relu() if norm_first else normed(maps.relu(), layer.norm)
    return maps.amax(dim=2)


@torch.no_grad()
@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize(("height", "length"), [(5, 7), (N_MELS, 7), (1, 8), (1, 5)])
def test_a_tall_convolution_is_conv2d_relu_norm_and_maximum(height, length, norm_first):
    torch.manual_seed(0)
    layer = randomised(_TallConv(height, length, 16, norm_first=norm_first))
    assert (layer.norm.weight < 0).any()
    assert (layer.norm.weight > 0).any()
    # float32 sums of at most 84 products of order 1 in another order
    torch.testing.assert_close(layer(mels()), tall(mels(), layer, norm_first), rtol=1e-5, atol=1e-5)


@torch.no_grad()
def test_a_tall_convolution_in_bf16_is_near_float32():
    torch.manual_seed(0)
    layer = randomised(_TallConv(5, 7, 16, norm_first=False))
    exact = layer(mels())
    with torch.autocast("cpu", torch.bfloat16):
        rounded = layer(mels())
    # bf16 keeps 8 bits: 2**-8 of inputs, weights and sum, times the longest scale of the norm over its spread
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, rtol=0, atol=3 * 2**-8 * float(exact.abs().max()))
    assert not torch.equal(rounded, exact)


def test_a_tall_convolution_does_not_train():
    with pytest.raises(RuntimeError, match="call eval"):
        _TallConv(5, 7, 16, norm_first=False)(mels())


@torch.no_grad()
@pytest.mark.parametrize("ported", [False, True])
def test_musicnn_is_its_definition(ported):
    torch.manual_seed(0)
    timbral, temporal = TIMBRAL, tuple(length | 1 for length in TEMPORAL) if ported else TEMPORAL
    network = randomised(MusicNN(timbral, temporal, ported=ported))
    mel = normed(mels().unsqueeze(1), network.normalise).squeeze(1)
    front = [tall(mel, layer, ported) for layer in network.timbral]
    for length, layer in zip(temporal, network.temporal, strict=True):
        if ported:
            mean = F.conv1d(mel.mean(dim=1, keepdim=True), layer.conv.weight, layer.conv.bias, padding=length // 2)
            front.append(normed(mean, layer.norm).relu())
        else:
            front.append(tall(mel, layer, norm_first=False))
    maps = [torch.cat(front, dim=1)]
    for place, layer in enumerate(network.middle):
        conv, norm = layer[0], layer[1 if ported else 2]
        found = F.conv1d(maps[-1], conv.weight, conv.bias, padding=3)
        found = normed(found, norm).relu() if ported else normed(found.relu(), norm)
        maps.append(found + maps[-1] if place else found)
    everything = torch.cat(maps, dim=1)
    expected = torch.cat([everything.amax(dim=2), everything.mean(dim=2)], dim=1)
    assert expected.shape == (2, MusicNN.dim)
    # float32, through four layers of values up to 100
    torch.testing.assert_close(network(mels()), expected, rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_five_layers_are_their_definition():
    torch.manual_seed(0)
    network = randomised(FiveLayerCNN())
    mel = mels(n_mels=96, frames=1_366)
    maps, means = normed(mel.unsqueeze(1), network.normalise), []
    for (conv, norm, _), pool in zip(network.layers, ((2, 4), (2, 4), (2, 4), (3, 5), (4, 4)), strict=True):
        maps = F.max_pool2d(F.elu(normed(F.conv2d(maps, conv.weight, conv.bias, padding=1), norm)), pool)
        means.append(maps.mean(dim=(2, 3)))
    assert maps.shape[2:] == (1, 1)  # what the published classifier reads
    torch.testing.assert_close(network(mel), torch.cat(means, dim=1), rtol=1e-4, atol=1e-4)  # float32, five layers


@torch.no_grad()
@pytest.mark.parametrize("network", [MusicNN(TIMBRAL, TEMPORAL), MusicNN(TIMBRAL, (7, 5, 3), ported=True)])
def test_a_piece_alone_is_the_piece_in_a_batch_and_silence_is_finite(network):
    randomised(network)
    mel = torch.cat([mels(), torch.full((1, N_MELS, FRAMES), -100.0)])  # dB
    alone = torch.cat([network(piece[None]) for piece in mel])
    torch.testing.assert_close(network(mel), alone, rtol=1e-4, atol=1e-4)  # float32 sums in another order
    assert alone.isfinite().all()
