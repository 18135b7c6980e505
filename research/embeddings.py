"""Vectors of a frozen encoder, computed once and kept beside the corpus in `embeddings/<encoder>.npz`.

Both file and rows are found by content, the file by a hash of the encoder's weights, a row by a hash of what was
encoded: other weights, a longer cut or changed words are computed anew, nothing stale is ever read.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32
from tqdm import tqdm

from research.batch import pad_tokens
from research.models.lyrics import LyricsConfig, LyricsEncoder

BATCH = 32


def lyrics_vectors(
    tokens: Sequence[np.ndarray], config: LyricsConfig, folder: Path
) -> Float32[np.ndarray, "songs dim"]:
    """Vector of each song's words; zeros, never to be read, where a song has none.

    Args:
        tokens: ids of each song, from the encoder's own tokenizer; empty where a song has no words.
        folder: where vectors are kept, by custom `embeddings` beside the track table.
    """
    encoder = LyricsEncoder(config).eval()
    path = folder / f"{_weights_hash(encoder)}.npz"
    keys = [hashlib.blake2b(ids.tobytes(), digest_size=16).hexdigest() for ids in tokens]
    known = _read(path)
    new = {key: ids for key, ids in zip(keys, tokens, strict=True) if key not in known and len(ids)}
    if new:
        known |= dict(zip(new, _encode(encoder, list(new.values())), strict=True))
        _write(path, known)
    return np.stack([known.get(key, np.zeros(encoder.dim, np.float32)) for key in keys])


@torch.no_grad()
def _encode(encoder: LyricsEncoder, tokens: list[np.ndarray]) -> Float32[np.ndarray, "songs dim"]:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    encoder.to(device)
    vectors = np.empty((len(tokens), encoder.dim), np.float32)
    order = np.argsort([len(ids) for ids in tokens], kind="stable")
    for start in tqdm(range(0, len(order), BATCH), desc="lyrics", unit="batch", disable=None):
        rows = order[start : start + BATCH]
        input_ids, mask = pad_tokens([tokens[row] for row in rows])
        found = encoder(torch.from_numpy(input_ids).to(device), torch.from_numpy(mask).to(device))
        vectors[rows] = found.float().cpu().numpy()
    return vectors


def _weights_hash(encoder: LyricsEncoder) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name, tensor in encoder.state_dict().items():
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
    partial = path.with_suffix(".part")
    with partial.open("wb") as file:
        np.savez(file, keys=np.array(list(vectors)), vectors=np.stack(list(vectors.values())))
    os.replace(partial, path)
