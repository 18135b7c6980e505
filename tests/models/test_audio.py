"""The networks of the sound side: each takes a step, hears windows in order, and refuses ones it would halve away."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from torchvision import models

from research.models.audio import AudioConfig, AudioEncoder, load_weights
from research.models.short_chunk import CHANNELS, ShortChunkResNet


def noise(songs, windows, n_mels, frames):
    return 20 * torch.randn(songs, windows, n_mels, frames, generator=torch.Generator().manual_seed(0)) - 30


@pytest.mark.parametrize(
    ("network", "dim", "n_mels", "frames", "songs"),
    [("resnet34", 512, 33, 32, 2), ("resnet50", 2048, 33, 32, 2), ("short_chunk", 512, 128, 129, 1)],
)
def test_a_step_moves_all_of_a_network_and_lowers_its_loss(network, dim, n_mels, frames, songs):
    torch.manual_seed(0)
    encoder = AudioEncoder(AudioConfig(network=network, time_pool=1), n_mels).train()
    head, mel, target = torch.nn.Linear(dim, 4), noise(songs, 1, n_mels, frames), torch.arange(songs)
    parameters = [*encoder.network.parameters(), *head.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=1e-3)

    def loss():
        return cross_entropy(head(encoder(mel)), target)

    before = loss()
    before.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in parameters)
    optimizer.step()
    assert loss().item() < before.item()


@torch.no_grad()
def test_the_short_chunk_network_is_its_blocks_and_a_maximum():
    torch.manual_seed(0)
    network = ShortChunkResNet().eval()
    maps = noise(1, 1, 128, 140)
    for block in list(network.children())[: len(CHANNELS)]:
        deep = block.deep[4](block.deep[3](block.deep[1](block.deep[0](maps)).relu()))
        maps = (deep + block.shortcut[1](block.shortcut[0](maps))).relu()
    assert maps.shape == (1, 512, 1, 2)
    expected = torch.maximum(maps[..., 0, 0], maps[..., 0, 1])
    torch.testing.assert_close(network(noise(1, 1, 128, 140)), expected)


@torch.no_grad()
@pytest.mark.parametrize(("network", "n_mels", "frames"), [("resnet18", 33, 140), ("short_chunk", 128, 300)])
def test_places_come_in_the_order_of_windows_and_average_to_the_song(network, n_mels, frames):
    torch.manual_seed(0)
    encoder = AudioEncoder(AudioConfig(network=network), n_mels).eval()
    mel = noise(2, 2, n_mels, frames)
    places = encoder.sequence(mel)
    each = [encoder.sequence(mel[:, window : window + 1]) for window in (0, 1)]
    # float32 convolutions in another blocking
    torch.testing.assert_close(places, torch.cat(each, dim=1), rtol=1e-4, atol=1e-4)
    if network == "resnet18":  # which ends in a mean; the other in a maximum
        torch.testing.assert_close(places.mean(dim=1), encoder(mel), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("n_mels", "frames"), [(128, 216), (128, 256), (96, 300)])
def test_windows_that_the_short_chunk_network_would_halve_away_are_refused(n_mels, frames):
    encoder = AudioEncoder(AudioConfig(network="short_chunk"), n_mels)  # averages two frames first
    with pytest.raises(ValueError, match=rf"{n_mels} mel bands x {frames} frames are too small: the CNN needs 128"):
        encoder(noise(1, 1, n_mels, frames))


def test_weights_are_those_of_the_network_named(tmp_path):
    torch.save(models.resnet34().state_dict(), tmp_path / "resnet34.pth")
    path = str(tmp_path / "resnet34.pth")
    encoder = AudioEncoder(AudioConfig(network="resnet34", weights=path), n_mels=33)
    assert encoder.initialised_from == "resnet34"
    with pytest.raises(ValueError, match=r"resnet34\.pth: not a resnet50 state dict"):
        load_weights(models.resnet50(), path, "resnet50")
    with pytest.raises(ValueError, match="no weights for short_chunk; leave --model"):
        AudioEncoder(AudioConfig(network="short_chunk", weights=path), n_mels=128)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>not found</html>", r"w\.pth: no state dict that torch can read; save one by torch\.save"),
        (b"", "no state dict that torch can read"),
        ([1, 2], "not a resnet18 state dict .but a list"),
    ],
)
def test_a_file_without_weights_is_refused(tmp_path, content, message):
    path = tmp_path / "w.pth"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(ValueError, match=message):
        load_weights(models.resnet18(), str(path))


def test_the_layers_of_the_short_chunk_network_are_its_blocks():
    encoder = AudioEncoder(AudioConfig(network="short_chunk"), n_mels=128)
    blocks = [[*getattr(encoder.network, f"block{place}").parameters()] for place in (6, 5, 4, 3, 2, 1, 0)]
    assert [[id(p) for p in layer] for layer in encoder.layers()] == [[id(p) for p in block] for block in blocks]
