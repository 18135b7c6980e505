"""Embeddings of a frozen lyrics encoder, computed once and cached beside the corpus in `embeddings/lyrics-<hash>.npz`.

Both file and rows are found by content: the file by a hash of the encoder's weights and settings, a row by a hash of
the lyrics. So changed weights, truncation or lyrics are computed anew, nothing stale is ever read. (Audio embeddings
are in feature stores, see research.models.frozen.)
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32

from research.atomic import replacing
from research.models.frozen_lyrics import FrozenLyrics
from research.models.lyrics import LyricsConfig


def lyrics_vectors(
    texts: Sequence[str], config: LyricsConfig, max_tokens: int, folder: Path
) -> Float32[np.ndarray, "songs dim"]:
    """Embedding of each song's lyrics; zeros, to be ignored, for a song without lyrics.

    Args:
        max_tokens: longer lyrics are truncated here.
        folder: cache folder, by convention `embeddings` beside the track table.
    """
    frozen = FrozenLyrics(config, max_tokens)
    path = folder / f"lyrics-{_hash(frozen, config, max_tokens)}.npz"
    keys = [hashlib.blake2b(text.encode(), digest_size=16).hexdigest() for text in texts]
    known = _read(path)
    new = {key: text for key, text in zip(keys, texts, strict=True) if key not in known and text.strip()}
    if new:
        known |= dict(zip(new, frozen.vectors(list(new.values())), strict=True))
        _write(path, known)
    return np.stack([known.get(key, np.zeros(frozen.dim, np.float32)) for key in keys])


def _hash(frozen: FrozenLyrics, config: LyricsConfig, max_tokens: int) -> str:
    digest = hashlib.blake2b(f"{config.pooling} {max_tokens}".encode(), digest_size=8)
    for name, tensor in frozen.encoder.state_dict().items():
        digest.update(name.encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        return {}
    with np.load(path) as file:
        return dict(zip(file["keys"].tolist(), file["vectors"], strict=True))


def _write(path: Path, vectors: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Shared: another experiment on the corpus may have found the same vectors missing.
    with replacing(path, shared=True) as partial, partial.open("wb") as file:
        np.savez(file, keys=np.array(list(vectors)), vectors=np.stack(list(vectors.values())))
