"""What training runs on: processes, device and precision."""

import os
from datetime import timedelta

import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, PartialState
from accelerate.state import AcceleratorState, is_initialized
from accelerate.utils import DataLoaderConfiguration, parse_flag_from_env

from research.models.precision import computes_bf16, cpu_computes_bf16
from research.training.config import TrainConfig

WAIT = timedelta(days=1)
"""Processes wait so long for the main one, which computes a corpus' features alone; torch's own 10 minutes (of GPUs; 30
of CPUs) end a job on the first large corpus. A process that dies, the launcher sees at once."""


def process_state() -> PartialState:
    """The processes that `accelerate launch` gives; unlike an accelerator it fixes no precision yet.

    Raises:
        ValueError: several were launched, but each believes it is alone.
    """
    state, launched = PartialState(cpu=on_cpu(), timeout=WAIT), int(os.environ.get("WORLD_SIZE", 1))
    if state.num_processes != launched:
        missing = f"{launched} processes were launched, but each runs alone; without GPUs set ACCELERATE_USE_CPU=true"
        raise ValueError(missing)
    return state


def make_accelerator(config: TrainConfig) -> Accelerator:
    """The device, precision and processes that `accelerate launch` (or plain python) gives.

    Raises:
        ValueError: fp16 without a GPU; or as `process_state`.
    """
    process_state()  # before accelerate, which would wait as long as torch does
    native_bf16 = cpu_computes_bf16() if on_cpu() else computes_bf16()
    precision = {"fp32": "no", "auto": "bf16" if native_bf16 else "no"}.get(config.precision, config.precision)
    if precision == "fp16" and (on_cpu() or not torch.cuda.is_available()):
        raise ValueError("precision fp16 needs a GPU; use bf16, fp32 or auto")
    # A batch may hold no lyrics at all; then the lyrics encoder has no gradient in that step.
    handlers = [DistributedDataParallelKwargs(find_unused_parameters=True)]
    allow_precision(precision)
    allow_tf32()
    # From pinned memory alone, where a loader puts batches for CUDA: on MPS torch may read other memory after it was
    # given away, and train on what stands there by then (github.com/pytorch/pytorch/issues/189690).
    reading = DataLoaderConfiguration(non_blocking=torch.cuda.is_available())
    settings = {"cpu": on_cpu(), "mixed_precision": precision, "gradient_accumulation_steps": config.accumulate}
    return Accelerator(**settings, dataloader_config=reading, kwargs_handlers=handlers)


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
