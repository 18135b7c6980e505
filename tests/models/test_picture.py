"""The slides' network: its input, and what a frozen one learns."""

import pytest
import torch
from torch.nn.functional import cross_entropy
from torchvision.models import resnet18
from torchvision.transforms.v2.functional import normalize, to_dtype

from research.batch import PictureBatch
from research.models.picture import PictureClassifier, PictureConfig
from research.training.schedules import sgd


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Files of random weights: a whole ResNet18, and one that ends with layer3."""
    torch.manual_seed(1)
    state, folder = resnet18().state_dict(), tmp_path_factory.mktemp("weights")
    torch.save(state, folder / "whole.pth")
    torch.save({k: v for k, v in state.items() if not k.startswith(("layer4", "fc"))}, folder / "partial.pth")
    return folder


@pytest.fixture
def batch() -> PictureBatch:
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (4, 128, 384, 3), dtype=torch.uint8, generator=generator)
    return PictureBatch(pictures, target=torch.arange(4) % 3, track_index=torch.arange(4))


def stages_changed_by_a_step(model: PictureClassifier, batch: PictureBatch) -> tuple[set[str], set[str]]:
    """Stages whose weights, and whose running statistics, one training step moves."""
    before = {name: value.clone() for name, value in model.resnet.state_dict().items()}
    optimizer = sgd(model.parameter_groups(learning_rate=0.1, weight_decay=0.0))
    cross_entropy(model.train()(batch), batch.target).backward()
    optimizer.step()
    moved = {name for name, value in model.resnet.state_dict().items() if not torch.equal(value, before[name])}
    statistics = {name for name in moved if "running" in name or "tracked" in name}
    return {name.split(".")[0] for name in moved - statistics}, {name.split(".")[0] for name in statistics}


ALL = {"bn1", "layer1", "layer2", "layer3", "layer4"}


@pytest.mark.parametrize(
    ("file", "frozen", "learning"),
    [
        ("whole.pth", True, {"fc"}),
        ("partial.pth", True, {"layer4", "fc"}),  # what the file lacks is random and must learn
        ("whole.pth", False, {"conv1", "fc", *ALL}),
    ],
)
def test_what_a_step_moves(photos, batch, file, frozen, learning):
    model = PictureClassifier(PictureConfig(weights=str(photos / file), frozen=frozen), n_labels=3)
    # BatchNorm follows the pictures even in a frozen network, as in the slides' code.
    assert stages_changed_by_a_step(model, batch) == (learning, ALL)


def test_pictures_are_normalised_as_torchvision_does(photos, batch):
    model = PictureClassifier(PictureConfig(weights=str(photos / "whole.pth")), n_labels=3).eval()
    plain = resnet18()
    plain.load_state_dict(torch.load(photos / "whole.pth", weights_only=True))
    plain.fc = model.resnet.fc
    pixels = to_dtype(batch.pictures.permute(0, 3, 1, 2).contiguous(), torch.float32, scale=True)
    expected = plain.eval()(normalize(pixels, mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]))
    with torch.no_grad():
        found = model(batch)
    # The same sums in another memory layout: float32 rounding, relative to the largest logit.
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4 * float(expected.detach().abs().max()))


def test_frozen_without_weights_is_refused():
    with pytest.raises(ValueError, match=r"frozen network with random weights .* give weights"):
        PictureClassifier(PictureConfig(frozen=True), n_labels=3)
