"""The 2020 slides' picture of a song: its log-mel spectrogram in magma, 384x128 pixels, without a plotting library.

Pixel for pixel what `librosa.display.specshow(..., y_axis="mel", x_axis="time")` draws on a borderless figure, except
for tick marks at the figure's left edge: each pixel has the colour of the cell of the spectrogram in which its
centre lies. A song of any length is squeezed into the width.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from jaxtyping import Float32, Int, UInt8
from PIL import Image
from tqdm import tqdm

from research.atomic import replacing
from research.features.audio import MelSettings
from research.features.store import MelStore
from research.tracks import TrackTable

WIDTH, HEIGHT = 384, 128
"""Pixels of the slides' figure."""
JPG_QUALITY = 75
"""Pillow's own, with which matplotlib saves."""
LINEAR_HZ = 1_000.0
"""specshow's mel axis is linear up to here and then gives every octave half of that height (symlog, base 2)."""


def song_picture(
    mel: Float32[np.ndarray, "frames n_mels"], settings: MelSettings
) -> UInt8[np.ndarray, "height width rgb"]:
    """RGB picture of a log-mel spectrogram; low notes at the bottom.

    Args:
        mel: dB against any reference; the song's own range, lowest to highest, spans the colours.
        settings: how `mel` was made; tells the frequency of each band.

    Raises:
        ValueError: no frames, or bands that are not those of `settings`.
    """
    if not len(mel) or mel.shape[1] != settings.n_mels:
        raise ValueError(f"{mel.shape[0]} frames of {mel.shape[1]} bands: give frames made with {settings}")
    cells = mel[np.ix_(_frame_of_column(len(mel)), _band_of_row(settings))].T  # (HEIGHT, WIDTH)
    low, high = mel.min(), mel.max()
    # Silence is all one value, which matplotlib shows in the lowest colour.
    level = (cells - low) / (high - low if high > low else np.float32(1))
    return _magma()[np.minimum((level * np.float32(256)).astype(np.intp), 255)]


def write_pictures(
    tracks: TrackTable, store: MelStore, parts: Mapping[str, Int[np.ndarray, " rows"]], folder: Path
) -> int:
    """Write `<folder>/<part>/<mood>/<track_id>.jpg`, the slides' layout; files that exist are kept.

    Args:
        parts: rows of the table by the name of their part ("train", "test").

    Returns:
        Pictures written; a song without readable sound or without mood has none.

    Raises:
        ValueError: a track_id that is no file name.
    """
    jobs = [(part, row) for part, rows in parts.items() for row in rows]
    written = 0
    for part, row in tqdm(jobs, desc="pictures", unit="song", disable=None):
        track_id, mood = tracks.frame["track_id"].iloc[row], tracks.frame["mood"].iloc[row]
        if mood is None or track_id not in store:
            continue
        path = folder / part / mood / f"{track_id}.jpg"
        if path.parent != folder / part / mood:
            raise ValueError(f"track_id {track_id!r} cannot name a file; rename it in its data_prep/corpora file")
        if not path.exists():
            save_jpg(song_picture(store.song(track_id), store.settings), path)
            written += 1
    return written


def save_jpg(picture: UInt8[np.ndarray, "height width rgb"], path: Path) -> None:
    """Write a JPG as matplotlib's `savefig` would, whole or not at all; makes the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as partial:
        Image.fromarray(picture).save(partial, format="JPEG", quality=JPG_QUALITY)


def _frame_of_column(n_frames: int) -> Int[np.ndarray, " width"]:
    centres = (np.arange(WIDTH) + 0.5) * n_frames / WIDTH
    # A centre on the border of two frames belongs to the earlier one: matplotlib snaps borders to whole pixels.
    return np.ceil(centres).astype(np.intp) - 1


@cache
def _band_of_row(settings: MelSettings) -> Int[np.ndarray, " height"]:
    """Mel band under the centre of each row of pixels, from the top."""
    # Imported here: it takes a second, which only the first picture needs to wait.
    from librosa import mel_frequencies

    centres = mel_frequencies(settings.n_mels, fmin=0.0, fmax=settings.sample_rate / 2)
    middles = (centres[1:] + centres[:-1]) / 2
    borders = np.concatenate([[2 * centres[0] - middles[0]], middles, [2 * centres[-1] - middles[-1]]])
    heights = _axis_height(borders)
    rows = heights[0] + (heights[-1] - heights[0]) * (np.arange(HEIGHT)[::-1] + 0.5) / HEIGHT
    return np.searchsorted(heights, rows, side="right") - 1


def _axis_height(hertz: np.ndarray) -> np.ndarray:
    """Height on specshow's mel axis, in units of one octave above `LINEAR_HZ`."""
    ratio = hertz / LINEAR_HZ
    return np.where(ratio > 1, 2 + np.log2(np.maximum(ratio, 1)), 2 * ratio)


@cache
def _magma() -> UInt8[np.ndarray, "colours rgb"]:
    # Rounded as the renderer does; `colormaps["magma"](level, bytes=True)` truncates, a shade too dark.
    return np.rint(255 * np.array(matplotlib.colormaps["magma"].colors)).astype(np.uint8)
