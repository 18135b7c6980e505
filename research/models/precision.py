"""Numeric precision of this machine's computations."""

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.amp import autocast

Network = TypeVar("Network", bound=nn.Module)

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


def with_cast_weights(network: Network) -> Network:
    """A copy that gives the same bits within `fast_products` without casting its weights at every call. What is never
    cast is shared with the original; the original itself where the CPU has no bfloat16."""
    if not cpu_computes_bf16():
        return network
    cast = {weight for layer in _multiplying(network) for weight in layer.parameters()}
    network = copy.deepcopy(network, {id(weight): weight for weight in network.parameters() if weight not in cast})
    for layer in _multiplying(network):
        layer.to(torch.bfloat16)
    return network


def _multiplying(network: nn.Module) -> list[nn.Module]:
    """Layers whose weights `fast_products` casts."""
    return [layer for layer in network.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
