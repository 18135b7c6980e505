"""docs/models.md names all that an option takes."""

from pathlib import Path

import pytest

from research.losses.moods import CLASS_WEIGHTS, LOSSES
from research.losses.tags import TAG_LOSSES
from research.models.fusion import FUSIONS
from research.models.published import PUBLISHED

PAGE = Path(__file__).parents[2] / "docs/models.md"


@pytest.mark.parametrize("registry", [FUSIONS, LOSSES, CLASS_WEIGHTS, TAG_LOSSES, PUBLISHED])
def test_every_entry_is_named(registry):
    text = PAGE.read_text(encoding="utf-8")
    assert [name for name in registry if f"`{name}`" not in text] == []
