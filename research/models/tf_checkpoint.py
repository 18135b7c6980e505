"""Arrays of a TensorFlow checkpoint, read without TensorFlow: some published weights exist in no other form.

Format: an index file, which is an immutable table of LevelDB whose values are `BundleEntryProto` messages
(tensorflow/core/protobuf/tensor_bundle.proto), and a data file with the arrays one after another.
"""

import struct
from collections.abc import Iterator

import numpy as np

FOOTER = 48
"""Bytes at the end of a table that say where its index block is."""
MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
"""The last bytes of every table."""
FLOAT32 = 1
"""`DT_FLOAT` of tensorflow/core/framework/types.proto."""
DTYPE, SHAPE, OFFSET, SIZE = 1, 2, 4, 5
"""Fields of `BundleEntryProto` in use."""
REFUSAL = "no uncompressed checkpoint index; take the file as it was published"


def read_checkpoint(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """All float32 arrays by name.

    Raises:
        ValueError: the index is compressed, or no table at all.
    """
    if not index.endswith(MAGIC):
        raise ValueError(REFUSAL)
    arrays = {}
    for name, value in _entries(index):
        fields = _fields(value)
        if not name or fields.get(DTYPE) != FLOAT32:  # the entry without a name describes the bundle
            continue
        shape = [_fields(size).get(1, 0) for size in _all_fields(fields[SHAPE], 2)] if SHAPE in fields else []
        start = fields.get(OFFSET, 0)
        arrays[name] = np.frombuffer(data[start : start + fields[SIZE]], "<f4").reshape(shape)
    return arrays


def _entries(index: bytes) -> Iterator[tuple[str, bytes]]:
    position = len(index) - FOOTER
    for _ in range(2):  # where the meta index is: not needed
        _, position = _varint(index, position)
    start, position = _varint(index, position)
    size, _ = _varint(index, position)
    for _, handle in _block(index, start, size):
        first, position = _varint(handle, 0)
        length, _ = _varint(handle, position)
        yield from ((key.decode(), value) for key, value in _block(index, first, length))


def _block(table: bytes, start: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; a key says how many bytes it shares with the one before."""
    if size + start + 5 > len(table) or table[start + size] != 0:
        raise ValueError(REFUSAL)
    block = table[start : start + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    position, end, key = 0, len(block) - 4 - 4 * restarts, b""
    while position < end:
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + length]
        position += length


def _fields(message: bytes) -> dict[int, int | bytes]:
    """Last value of each field of a protobuf message."""
    return dict(_pairs(message))


def _all_fields(message: bytes, number: int) -> list[bytes]:
    return [value for field, value in _pairs(message) if field == number]


def _pairs(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    position = 0
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(message, position)
        else:
            length, position = _varint(message, position) if kind == 2 else ({1: 8, 5: 4}[kind], position)
            value, position = message[position : position + length], position + length
        yield tag >> 3, value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """An integer in sevens of bits, and where it ends."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position
