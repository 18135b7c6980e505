"""What every test stands on: shapes checked at run time, no network, the folder of real songs."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

# Before any import of the library: from here on a wrong shape in these packages fails the test that made it.
install_import_hook(
    ["research.features", "research.models", "research.losses", "research.batch", "research.data"], "beartype.beartype"
)

os.environ.update(WANDB_MODE="disabled", HF_HUB_OFFLINE="1", TQDM_DISABLE="1")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the published corpora; tests that need it are skipped where it is missing."""
    folder = os.environ.get("MOOD_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("set MOOD_DATA to the folder of published corpora (qaed4, mirex_like, ...) to run this test")
    return Path(folder)
