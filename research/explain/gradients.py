"""Integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365), by captum."""

from collections.abc import Callable

from captum.attr import IntegratedGradients
from torch import Tensor

STEPS_AT_ONCE = 2
"""Memory stays bounded."""
Advance = Callable[[int], object]
"""Called with the number of steps that are done."""


def integrated_gradients(
    score: Callable[..., Tensor], inputs: tuple[Tensor, ...], neutral: tuple[Tensor, ...], steps: int, advance: Advance
) -> tuple[Tensor, ...]:
    """What each value of `inputs` adds to the score, next to that of `neutral`, in their shapes, (1, ...) each.

    Args:
        score: (steps,) of inputs of shapes (steps, ...).
        steps: points of the Gauss-Legendre rule between `neutral` and `inputs`.
    """

    def counted(*inputs: Tensor) -> Tensor:
        scores = score(*inputs)
        advance(len(inputs[0]))
        return scores

    gradients = IntegratedGradients(counted)
    return gradients.attribute(inputs, baselines=neutral, n_steps=steps, internal_batch_size=STEPS_AT_ONCE)
