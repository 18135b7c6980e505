"""What this machine computes in."""

import torch
from torch.amp import autocast

_forgone = False


def computes_bf16() -> bool:
    """Whether the GPU, or without one the CPU, multiplies bfloat16 matrices natively."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return cpu_computes_bf16()


def forgo_bf16() -> None:
    """Multiply in fp32 from here on, in this process, on CPUs that have bfloat16 too: slower, and the same answers on
    every machine but for the last digits. For models that are built after it."""
    global _forgone
    _forgone = True


def cpu_computes_bf16() -> bool:
    """Whether the CPU multiplies bfloat16 matrices natively, whatever else is here, and nobody has forgone it."""
    if _forgone:
        return False
    instructions = torch.cpu.get_capabilities()
    return any(instructions.get(name, False) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def fast_products() -> autocast:
    """Context in which a network on the CPU multiplies in bfloat16, where the CPU does so natively; norms stay fp32."""
    return autocast("cpu", torch.bfloat16, enabled=cpu_computes_bf16())
