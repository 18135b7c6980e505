"""Published weights: found by content, checked, and put where their authors had them."""

import hashlib
import re
import urllib.error
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from research.models.published import FOLDER_VARIABLE, PUBLISHED, load_published, met_labels
from research.tracks import LASTFM, Corpus
from tests.models.conftest import FLOAT32, entry, table

FIVE, PORT, PONS = "jamendo-mood-cnn", "musicnn-jamendo", "musicnn-msd"
TOLERANCE = {"rtol": 1e-3, "atol": 1e-3}  # float32 through four layers, values up to 100


def test_encoders_that_learned_from_the_source_of_the_labels():
    tagged = Corpus(name="toy", labels=("happy", "sad"), citation="none", licence="CC0", label_source=LASTFM)
    sound = ("statistics", FIVE, PONS, PORT, "musicnn-mtt", "someone/wav-model")
    assert met_labels(sound, tagged) == [PONS]
    assert met_labels(sound, replace(tagged, label_source="listeners")) == []
    assert met_labels(sound, replace(tagged, label_source="")) == []  # not known: also of encoders


def of_conv(generator: np.random.Generator, out: int, *shape: int) -> dict[str, np.ndarray]:
    fan_in = np.prod(shape)
    return {
        "weight": (generator.standard_normal((out, *shape)) / np.sqrt(fan_in)).astype(np.float32),
        "bias": generator.standard_normal(out).astype(np.float32),
    }


def of_norm(generator: np.random.Generator, width: int) -> dict[str, np.ndarray]:
    names = ("weight", "bias", "running_mean")
    return {name: generator.standard_normal(width).astype(np.float32) for name in names} | {
        # small ones too: there the two libraries' additions to it, 1e-3 and 1e-5, differ
        "running_var": generator.uniform(0.01, 1, width).astype(np.float32)
    }


def five_layer_file(generator):
    """Names and shapes of MTG-Jamendo's baseline."""
    channels, parts = (1, 64, 128, 128, 128, 64), {"bn_init": of_norm(generator, 1)}
    for place in range(1, 6):
        parts[f"conv_{place}"] = of_conv(generator, channels[place], channels[place - 1], 3, 3)
        parts[f"bn_{place}"] = of_norm(generator, channels[place])
    return parts | {"dense": of_conv(generator, 56, 64)}


def port_file(generator):
    """Names and shapes of Won's port of MusicNN."""
    parts = {"spec_bn": of_norm(generator, 1)}
    for place, shape in enumerate([(204, 1, 67, 7), (204, 1, 38, 7), (51, 1, 129), (51, 1, 65), (51, 1, 33)]):
        parts[f"layers.{place}.conv"], parts[f"layers.{place}.bn"] = (
            of_conv(generator, *shape),
            of_norm(generator, shape[0]),
        )
    for place, channels in enumerate((561, 64, 64), start=1):
        parts[f"layer{place}.conv"], parts[f"layer{place}.bn"] = (
            of_conv(generator, 64, channels, 7),
            of_norm(generator, 64),
        )
    return parts | {"dense1": of_conv(generator, 200, 1506)}


def save_torch(path, parts):
    state = {f"{part}.{name}": torch.from_numpy(value) for part, of in parts.items() for name, value in of.items()}
    torch.save(state, path)


def pons_arrays(generator):
    """Names and shapes of the TensorFlow checkpoint: kernels are (frames, bands, in, out)."""
    kernels = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
    kernels += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    arrays = {"dense/kernel": np.zeros((4, 2), np.float32), "batch_normalization_9/gamma": np.zeros(1506, np.float32)}
    for place, shape in enumerate(kernels):
        of = of_conv(generator, shape[3], *shape[:3])
        arrays[f"{numbered('conv2d', place)}/kernel"] = np.moveaxis(of["weight"], 0, 3)
        arrays[f"{numbered('conv2d', place)}/bias"] = of["bias"]
    for place, width in enumerate((1, 204, 204, 51, 51, 51, 64, 64, 64)):
        of, layer = of_norm(generator, width), numbered("batch_normalization", place)
        arrays |= {f"{layer}/gamma": of["weight"], f"{layer}/beta": of["bias"]}
        arrays |= {f"{layer}/moving_mean": of["running_mean"], f"{layer}/moving_variance": of["running_var"]}
    return arrays


def numbered(layer: str, place: int) -> str:
    return f"{layer}_{place}" if place else layer


def save_wheel(path, arrays):
    entries, data = [(b"", b"")], b""
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name], "<f4")
        entries.append((name.encode(), entry(FLOAT32, array.shape, len(data), array.nbytes)))
        data += array.tobytes()
    with zipfile.ZipFile(path, "w") as package:
        package.writestr("musicnn/MSD_musicnn/.index", table([entries]))
        package.writestr("musicnn/MSD_musicnn/.data-00000-of-00001", data)


def publish(monkeypatch, name, path):
    """Let `path` be what was published under `name`."""
    content = path.read_bytes()
    one = replace(PUBLISHED[name], sha256=hashlib.sha256(content).hexdigest(), n_bytes=len(content))
    monkeypatch.setitem(PUBLISHED, name, one)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where weights are looked for; the download cache is empty, and nothing is downloaded."""

    def offline(url, *_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "weights"))
    (tmp_path / "weights" / "deeper").mkdir(parents=True)
    return tmp_path / "weights"


def mels(frames: int) -> Tensor:
    return torch.randn(2, 96, frames, generator=torch.Generator().manual_seed(1))


def normed(maps, part, eps=1e-5):
    shape = (1, -1, *[1] * (maps.ndim - 2))
    scale, shift, mean, var = (
        torch.from_numpy(part[name]).view(shape) for name in ("weight", "bias", "running_mean", "running_var")
    )
    return (maps - mean) / (var + eps).sqrt() * scale + shift


def convolved(maps, part, **padding):
    weight, bias = torch.from_numpy(part["weight"]), torch.from_numpy(part["bias"])
    return (F.conv2d if weight.ndim == 4 else F.conv1d)(maps, weight, bias, **padding)


def pooled(front: list[Tensor], middle) -> Tensor:
    """The residual layers and both poolings of MusicNN."""
    maps = [torch.cat(front, dim=1)]
    for place in range(3):
        found = middle(place, maps[-1])
        maps.append(found + maps[-1] if place else found)
    everything = torch.cat(maps, dim=1)
    return torch.cat([everything.amax(dim=2), everything.mean(dim=2)], dim=1)


@torch.no_grad()
def test_the_five_layer_file_is_the_network(folder, monkeypatch):
    parts = five_layer_file(np.random.default_rng(0))
    save_torch(folder / "any name.bin", parts)
    publish(monkeypatch, FIVE, folder / "any name.bin")
    maps, means = normed(mels(1_366).unsqueeze(1), parts["bn_init"]), []
    for place, pool in enumerate([(2, 4), (2, 4), (2, 4), (3, 5), (4, 4)], start=1):
        maps = F.elu(normed(convolved(maps, parts[f"conv_{place}"], padding=1), parts[f"bn_{place}"]))
        maps = F.max_pool2d(maps, pool)
        means.append(maps.mean(dim=(2, 3)))
    torch.testing.assert_close(load_published(FIVE)(mels(1_366)), torch.cat(means, dim=1), **TOLERANCE)


@torch.no_grad()
def test_the_ported_file_is_the_network(folder, monkeypatch):
    parts = port_file(np.random.default_rng(0))
    save_torch(folder / "deeper" / "best_model.pth", parts)
    publish(monkeypatch, PORT, folder / "deeper" / "best_model.pth")
    mel, front = normed(mels(50).unsqueeze(1), parts["spec_bn"]), []
    for place in range(5):
        conv, norm = parts[f"layers.{place}.conv"], parts[f"layers.{place}.bn"]
        if place < 2:
            front.append(normed(convolved(mel, conv, padding=(0, 3)), norm).relu().amax(dim=2))
        else:
            padding = conv["weight"].shape[2] // 2
            front.append(normed(convolved(mel.mean(dim=2), conv, padding=padding), norm).relu())

    def middle(place, maps):
        return normed(convolved(maps, parts[f"layer{place + 1}.conv"], padding=3), parts[f"layer{place + 1}.bn"]).relu()

    torch.testing.assert_close(load_published(PORT)(mels(50)), pooled(front, middle), **TOLERANCE)


@torch.no_grad()
def test_the_tensorflow_file_is_the_network(folder, monkeypatch):
    arrays = pons_arrays(np.random.default_rng(0))
    save_wheel(folder / "musicnn.whl", arrays)
    publish(monkeypatch, PONS, folder / "musicnn.whl")

    def layer(maps, place):
        """TensorFlow's "same" convolution in its own layout, (batch, 1, frames, bands), ReLU, BatchNorm of 1e-3."""
        kernel = torch.from_numpy(arrays[f"{numbered('conv2d', place)}/kernel"]).permute(3, 2, 0, 1)
        frames = kernel.shape[2]
        padded = F.pad(maps, (0, 0, (frames - 1) // 2, frames // 2))
        found = F.conv2d(padded, kernel, torch.from_numpy(arrays[f"{numbered('conv2d', place)}/bias"])).relu()
        return normed(found, norm(place + 1), eps=1e-3)

    def norm(place):
        name = numbered("batch_normalization", place)
        leaves = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
        return {ours: arrays[f"{name}/{theirs}"] for ours, theirs in leaves.items()}

    mel = normed(mels(50).transpose(1, 2).unsqueeze(1), norm(0), eps=1e-3)
    front = [layer(mel, place).amax(dim=3) for place in range(5)]
    expected = pooled(front, lambda place, maps: layer(maps.transpose(1, 2).unsqueeze(1), 5 + place).squeeze(3))
    torch.testing.assert_close(load_published(PONS)(mels(50)), expected, **TOLERANCE)


def test_weights_of_another_network_are_refused_by_name(folder, monkeypatch):
    parts = five_layer_file(np.random.default_rng(0))
    save_torch(folder / "a.pth", {name: of for name, of in parts.items() if name != "conv_3"})
    publish(monkeypatch, FIVE, folder / "a.pth")
    with pytest.raises(
        ValueError, match=rf"(?s)a\.pth does not hold the weights of {FIVE}: .*layers\.2\.0\.weight"
    ) as found:
        load_published(FIVE)
    assert str(found.value).endswith("; mend its `read` or `build`")


def test_published_weights_do_not_learn(folder, monkeypatch):
    save_torch(folder / "a.pth", five_layer_file(np.random.default_rng(0)))
    publish(monkeypatch, FIVE, folder / "a.pth")
    network = load_published(FIVE)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_files_of_other_bytes_are_left_alone_and_the_message_tells_both_ways(folder, monkeypatch):
    save_torch(folder / "best_model.pth", five_layer_file(np.random.default_rng(0)))
    publish(monkeypatch, FIVE, folder / "best_model.pth")
    content = bytearray((folder / "best_model.pth").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "best_model.pth").write_bytes(content)
    url, cache = PUBLISHED[FIVE].url, folder.parent / "hub" / "checkpoints"
    message = rf"weights of {FIVE} could not be downloaded \(.*no network.*\); get {re.escape(url)} another way and"
    with pytest.raises(ValueError, match=rf"{message} put it into {re.escape(str(cache))} or .* {FOLDER_VARIABLE}"):
        load_published(FIVE)


def test_a_folder_of_weights_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(ValueError, match=rf"{FOLDER_VARIABLE} names .*gone, which is no folder"):
        load_published("musicnn-jamendo")


def test_a_download_is_checked_and_kept(folder, monkeypatch):
    save_torch(folder / "best_model.pth", five_layer_file(np.random.default_rng(0)))
    publish(monkeypatch, FIVE, folder / "best_model.pth")
    elsewhere, asked = folder.parent / "server.pth", []
    (folder / "best_model.pth").rename(elsewhere)

    def download(url, path, hash_prefix):
        asked.append((url, hash_prefix))
        (folder.parent / path).write_bytes(elsewhere.read_bytes())

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    first, second = load_published(FIVE), load_published(FIVE)
    assert asked == [(PUBLISHED[FIVE].url, PUBLISHED[FIVE].sha256)]
    assert torch.equal(first.layers[0][0].weight, second.layers[0][0].weight)


def test_a_download_of_other_bytes_is_refused(folder, monkeypatch):
    def download(*_, **__):
        raise RuntimeError('invalid hash value (expected "a", got "b")')

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    with pytest.raises(ValueError, match="invalid hash value"):
        load_published(FIVE)


@pytest.mark.real_data
@pytest.mark.parametrize("name", [FIVE, PORT, PONS, "musicnn-mtt"])
def test_real_weights_fit_and_their_norms_tell_the_order_of_layers(real_data, folder, monkeypatch, name):
    """Weights lie beside the corpora: MOOD_DATA/../weights."""
    weights = real_data.parent / "weights"
    if not any(path.stat().st_size == PUBLISHED[name].n_bytes for path in weights.rglob("*") if path.is_file()):
        pytest.skip(f"no weights of {name} in {weights}; download {PUBLISHED[name].url} to run this test")
    monkeypatch.setenv(FOLDER_VARIABLE, str(weights))
    network = load_published(name)
    first = {module for module in network.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)}
    means = torch.cat([norm.running_mean for norm in first - {network.normalise}])
    # What a norm saw after ReLU has no negative mean.
    assert bool((means < 0).any()) == (name in (FIVE, PORT))
