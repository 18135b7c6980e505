"""Any audio model of transformers as an encoder: AST, CLAP's audio encoder, wav2vec2, HuBERT, MERT and their like."""

import hashlib
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import AutoFeatureExtractor, AutoModel

PIECE_S = 10.0
"""What AST and CLAP hear at a time; the others take any length."""


class HubAudio(nn.Module):
    """Mean over time of the last layer, or the model's own sound embedding where it has one (CLAP)."""

    def __init__(self, model: str):
        """
        Args:
            model: name on the Hugging Face hub, or a local folder.

        Raises:
            ValueError: it cannot be loaded, or is no audio model.
        """
        super().__init__()
        try:
            self.extractor = AutoFeatureExtractor.from_pretrained(model)
            self.model = AutoModel.from_pretrained(model, dtype=torch.float32).eval().requires_grad_(False)
        except (OSError, ValueError) as error:
            raise ValueError(
                f"audio encoder {model!r} cannot be loaded ({str(error).splitlines()[0]}); check the name or path and "
                "the network, or use one of research.models.published"
            ) from error
        self.sample_rate: int = self.extractor.sampling_rate
        self.piece_samples = round(PIECE_S * self.sample_rate)
        self.dim = self.forward(torch.zeros(1, self.piece_samples)).shape[1]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of the weights: a model on the hub may change under its name."""
        digest = hashlib.blake2b(digest_size=8)
        for name, tensor in self.model.state_dict().items():
            digest.update(name.encode() + np.ascontiguousarray(tensor.numpy()).tobytes())
        return digest.hexdigest()

    @torch.no_grad()
    def forward(self, samples: Float[Tensor, "batch samples"]) -> Float[Tensor, "batch dim"]:
        inputs = self.extractor(list(samples.numpy()), sampling_rate=self.sample_rate, return_tensors="pt")
        if hasattr(self.model, "get_audio_features"):
            found = self.model.get_audio_features(**inputs)
            return found if isinstance(found, Tensor) else found.pooler_output
        return self.model(**inputs).last_hidden_state.mean(dim=1)
