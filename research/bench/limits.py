"""The machine's own limits: decoding only, matrix products, memory copies."""

from pathlib import Path

import numpy as np
import soundfile
import torch

from research.bench.pairs import Side

DTYPES = {"no": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
"""In which a precision of `accelerate` multiplies."""


def decode_only(paths: list[Path], work: float) -> Side:
    """Read the files from end to end; no mixing, no resampling, nothing kept."""
    return Side(lambda: [soundfile.read(path, dtype="float32") for path in paths], work)


class MatrixProduct:
    """Square matrices multiplied in the precision that training computes in: the rate no network can beat."""

    def __init__(self, precision: str, side: int, device: torch.device):
        generator = torch.Generator().manual_seed(0)
        factors = torch.randn(2, side, side, generator=generator).to(device, DTYPES[precision])
        self._left, self._right = factors.unbind()
        self.flops = 2 * side**3
        """Floating-point operations of one run."""

    def __call__(self) -> None:
        (self._left @ self._right)[0, 0].item()  # an accelerator answers only when it is done


def copy(n_bytes: int) -> Side:
    """Copy memory, a byte being a unit of work."""
    source = np.ones(n_bytes, np.uint8)
    target = np.zeros_like(source)
    return Side(lambda: np.copyto(target, source), n_bytes)
