"""What training runs on."""

import torch
from accelerate.utils import parse_flag_from_env


def on_cpu() -> bool:
    """Whether this is a machine without GPUs, or it shall be used as one.

    accelerate has to be told: untold, several processes on such a machine would each believe they are alone.
    """
    return parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available()
