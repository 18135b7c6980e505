"""A writer of TensorFlow checkpoints, as the formats' own documents say, and songs as frozen encoders leave them."""

import struct

import torch

from research.batch import Batch

FLOAT32, INT64 = 1, 9  # tensorflow/core/framework/types.proto
TABLE_MAGIC = 0xDB4775248B80FB57  # leveldb/doc/table_format.md
UNCOMPRESSED, SNAPPY = 0, 1


def varint(value: int) -> bytes:
    sevens = bytearray()
    while value > 127:
        sevens.append(value & 127 | 128)
        value >>= 7
    return bytes([*sevens, value])


def field(number: int, value: int | bytes) -> bytes:
    """A protobuf field: a varint, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def entry(dtype: int, shape: tuple[int, ...], offset: int, size: int) -> bytes:
    """A `BundleEntryProto`; protobuf leaves zeros out. The checksum is a fixed32, which no other field is."""
    sizes = b"".join(field(2, field(1, n) if n else b"") for n in shape)
    message = field(1, dtype) + field(2, sizes) + (field(4, offset) if offset else b"") + field(5, size)
    return message + varint(6 << 3 | 5) + struct.pack("<I", 0xDEADBEEF)


def block(pairs: list[tuple[bytes, bytes]], restart_interval: int) -> bytes:
    content, restarts, last = b"", [], b""
    for place, (key, value) in enumerate(pairs):
        shared = 0
        if place % restart_interval == 0:
            restarts.append(len(content))
        else:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        content += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        last = key
    return content + struct.pack(f"<{len(restarts) + 1}I", *restarts, len(restarts))


def table(blocks: list[list[tuple[bytes, bytes]]], compression: int = UNCOMPRESSED) -> bytes:
    """A LevelDB table: data blocks, an empty meta index, the index block with a handle of each, the footer."""
    content, handles = b"", []

    def append(payload: bytes) -> bytes:
        nonlocal content
        handle = varint(len(content)) + varint(len(payload))
        content += payload + bytes([compression]) + b"crc!"
        return handle

    for pairs in blocks:
        handles.append((pairs[-1][0], append(block(pairs, restart_interval=2))))
    footer = append(block([], 1)) + append(block(handles, restart_interval=1))
    return content + footer.ljust(40, b"\0") + struct.pack("<Q", TABLE_MAGIC)


def vector_batch(audio_dim: int, lyrics_dim: int, has_audio: list[bool], has_lyrics: list[bool]) -> Batch:
    """Songs of random vectors with the sides asked for, moods 0 to 3 in turn."""
    n, generator = len(has_audio), torch.Generator().manual_seed(0)
    words = torch.tensor(has_lyrics)[:, None].long().expand(n, 3)
    return Batch(
        mel=torch.zeros(n, 0, 32, 72),
        input_ids=7 * words,
        attention_mask=words,
        audio_vectors=torch.randn(n, audio_dim, generator=generator),
        lyrics_vectors=torch.randn(n, lyrics_dim, generator=generator),
        has_audio=torch.tensor(has_audio),
        has_lyrics=torch.tensor(has_lyrics),
        target=torch.arange(n) % 4,
        track_index=torch.arange(n),
    )
