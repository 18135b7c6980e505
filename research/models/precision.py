"""What this machine computes in."""

import torch
from torch.amp import autocast


def computes_bf16() -> bool:
    """Whether the GPU, or without one the CPU, multiplies bfloat16 matrices natively."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return cpu_computes_bf16()


def cpu_computes_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 matrices natively, whatever else is here."""
    instructions = torch.cpu.get_capabilities()
    return any(instructions.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def fast_products() -> autocast:
    """Context in which a network on the CPU multiplies in bfloat16, where the CPU does so natively; norms stay fp32."""
    return autocast("cpu", torch.bfloat16, enabled=cpu_computes_bf16())
