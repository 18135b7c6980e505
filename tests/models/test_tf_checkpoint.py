"""The reader of TensorFlow checkpoints against files that are written here as the formats' own documents say."""

import re
import struct

import numpy as np
import pytest

from research.models.tf_checkpoint import REFUSAL, read_checkpoint
from tests.models.conftest import FLOAT32, INT64, SNAPPY, entry, field, table


@pytest.fixture
def bundle() -> tuple[dict[str, np.ndarray], list[tuple[bytes, bytes]], bytes]:
    """Arrays by name, entries of an index in order, and the data file; a counter of integers lies in between."""
    generator = np.random.default_rng(0)
    shapes = {"conv2d/bias": (3,), "conv2d/kernel": (7, 2, 1, 300), "conv2d_1/bias": (0,), "conv2d_1/scale": ()}
    arrays = {name: generator.standard_normal(shape).astype("<f4") for name, shape in shapes.items()}
    entries, data = [(b"", field(1, 1) + field(2, 0))], b""  # the header: one shard, little endian
    for name, array in arrays.items():
        entries.append((name.encode(), entry(FLOAT32, array.shape, len(data), array.nbytes)))
        data += array.tobytes()
    entries.append((b"global_step", entry(INT64, (), len(data), 8)))
    return arrays, entries, data + struct.pack("<q", 1234)


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_all_float_arrays_come_back_bit_by_bit(bundle, blocks):
    arrays, entries, data = bundle
    parts = [part.tolist() for part in np.array_split(np.array(entries, dtype=object), blocks)]
    found = read_checkpoint(table([[tuple(pair) for pair in part] for part in parts]), data)
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(found[name], array, strict=True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda entries: table([entries], compression=SNAPPY),
        lambda entries: table([entries])[:-1],
        lambda entries: b"",
        lambda entries: b"<html>" * 50,
    ],
    ids=["compressed", "cut short", "empty", "a page"],
)
def test_what_is_no_plain_table_is_refused(bundle, damage):
    _, entries, data = bundle
    with pytest.raises(ValueError, match=f"^{re.escape(REFUSAL)}$"):
        read_checkpoint(damage(entries), data)
