"""Sound files for the small corpora that the tests of this folder make."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture
def tone() -> Callable[[Path, float], Path]:
    """Writes half a second of a sine; another pitch gives other bytes."""

    def write(path: Path, pitch_hz: float = 440) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        wave = 0.3 * np.sin(2 * np.pi * pitch_hz * np.arange(4000) / 8000)
        # Ogg pages carry a random serial number, so even equal tones would differ: FLAC and WAV only.
        soundfile.write(path, wave, 8000)
        return path

    return write
