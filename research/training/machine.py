"""What training runs on."""

import torch
from accelerate.state import AcceleratorState, is_initialized
from accelerate.utils import parse_flag_from_env


def on_cpu() -> bool:
    """Whether this is a machine without GPUs, or it shall be used as one.

    accelerate has to be told: untold, several processes on such a machine would each believe they are alone.
    """
    return parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available()


def allow_precision(precision: str) -> None:
    """Let trainings from here on compute in `precision`, accelerate's name, whatever those before computed in.

    accelerate holds a process to its first precision, without a public way to another; what is compared may differ in
    it.
    """
    if is_initialized() and AcceleratorState().mixed_precision != precision:
        AcceleratorState._reset_state()


def allow_tf32() -> None:
    """Let GPUs multiply float32 matrices in TF32 (10 bits of fraction), as torch by itself lets them convolve.

    The older of torch's two ways to say it sets both; after the newer one (`torch.backends.cuda.matmul.fp32_precision`)
    whoever asks in the older way gets an error (torch 2.15).
    """
    if not on_cpu() and torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
