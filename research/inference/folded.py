"""The audio network in inference form: whatever no longer changes is computed once, not for every song."""

import copy

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from research.models.audio import AudioEncoder
from research.models.precision import with_cast_weights


def fold_norms(encoder: AudioEncoder) -> AudioEncoder:
    """A copy for inference on the CPU: BatchNorm is folded into the preceding convolutions, whose weights already have
    the type that `fast_products` would cast them to. Answers differ by rounding."""
    encoder = copy.deepcopy(encoder).eval()
    # In their order of registration, which in every network here is the order in which they are called.
    for parent in list(encoder.network.modules()):
        before = None
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d) and before is not None:
                setattr(parent, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(parent, name, nn.Identity())
            before = (name, child) if isinstance(child, nn.Conv2d) else None
    return with_cast_weights(encoder).requires_grad_(False)
