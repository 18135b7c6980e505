"""The whole fusion model as one ONNX graph: from audio windows, lyrics chunks and masks to logits."""

import warnings
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from research.data.songs import InputConfig
from research.models.classifier import MoodClassifier
from research.models.frozen_lyrics import FrozenLyrics
from research.models.lyrics import CHUNK_TOKENS

SONGS, WINDOWS, CHUNKS, TOKENS = 3, 4, 2, 16
"""Sizes of the example that is traced, no two alike; the graph takes any."""
OPSET = 20
PARAMETERS = ("sound", "input_ids", "attention_mask", "has_audio", "has_lyrics")
"""Of `WholeModel.forward`, in order; the graph's first input is named by what it is, "mel" or "audio_vectors"."""


class WholeModel(nn.Module):
    """The model without the shortcuts that depend on data: every side is computed and then masked.

    Words come in chunks, as `LyricsEncoder.sequence` cuts them; frozen words' encoders are part of the graph. Frozen
    encoders of sound are not: their vectors are an input.
    """

    def __init__(self, model: MoodClassifier, frozen_lyrics: FrozenLyrics | None):
        """
        Raises:
            ValueError: words are read line by line.
        """
        super().__init__()
        if frozen_lyrics is not None and frozen_lyrics.by_line:
            raise ValueError('pooling "lines" reads each line alone, a graph reads all words at once; export --no-onnx')
        self.model = model
        self.words_encoder = frozen_lyrics.encoder if frozen_lyrics is not None else model.lyrics

    def forward(
        self,
        sound: Float[Tensor, "batch windows n_mels frames"] | Float[Tensor, "batch audio_dim"] | None = None,
        input_ids: Int[Tensor, "batch chunks tokens"] | None = None,
        attention_mask: Int[Tensor, "batch chunks tokens"] | None = None,
        has_audio: Bool[Tensor, " batch"] | None = None,
        has_lyrics: Bool[Tensor, " batch"] | None = None,
    ) -> Float[Tensor, "batch labels"]:
        model = self.model
        if input_ids is None:
            return model.join(*self._audio(sound, has_audio))
        words = self._words(input_ids, attention_mask, has_lyrics)
        if sound is None:
            return model.join(*words)
        audio = self._audio(sound, has_audio)
        return model.join(audio[0], words[0], audio[1], words[1])

    def _audio(self, sound: Tensor, here: Tensor) -> tuple[Tensor, Tensor]:
        model = self.model
        if model.audio is None:
            return model.audio_projection(sound), here
        if not model.join.reads_sequences:
            return model.audio_projection(model.audio(sound)), here
        embedding = model.audio_projection(model.audio.sequence(sound))
        return embedding, here[:, None].expand(embedding.shape[:2])

    def _words(self, input_ids: Tensor, attention_mask: Tensor, here: Tensor) -> tuple[Tensor, Tensor]:
        encoder = self.words_encoder
        ids, mask = input_ids.flatten(0, 1), attention_mask.flatten(0, 1)  # (batch * chunks, tokens)
        # A chunk without words reads its first token, so that no softmax is over nothing; it has no weight later on.
        seen = mask.clone()
        seen[:, 0] = 1
        hidden = encoder.bert(input_ids=ids, attention_mask=seen).last_hidden_state
        hidden = hidden.unflatten(0, input_ids.shape[:2]).flatten(1, 2)  # (batch, chunks * tokens, dim)
        real = attention_mask.flatten(1, 2).clone()
        if self.model.join.reads_sequences:
            return self.model.lyrics_projection(hidden), (real > 0) & here[:, None]
        real[:, 0] = 1
        return self.model.lyrics_projection(encoder.pool(hidden, real)), here


def save_onnx(model: MoodClassifier, inputs: InputConfig, frozen_lyrics: FrozenLyrics | None, path: Path) -> None:
    """Write the graph. Inputs that the model has no use for are left out.

    Raises:
        ValueError: words are read line by line, see `WholeModel`; or the extra `export` is missing.
    """
    whole = WholeModel(model, frozen_lyrics).eval()
    example = example_inputs(model, inputs)
    any_size = torch.export.Dim.DYNAMIC
    longest = whole.words_encoder.chunk if whole.words_encoder is not None else CHUNK_TOKENS
    sizes = {
        "mel": {0: any_size, 1: any_size},
        "audio_vectors": {0: any_size},
        "input_ids": {0: any_size, 1: any_size, 2: torch.export.Dim("tokens", min=2, max=longest)},
        "has_audio": {0: any_size},
        "has_lyrics": {0: any_size},
    }
    sizes["attention_mask"] = sizes["input_ids"]
    of = {parameter_of(name): name for name in example}
    try:
        with warnings.catch_warnings():
            # Ids and mask of the words have the same axis, which is meant and not to be told to whoever exports.
            warnings.filterwarnings("ignore", "# The axis name: tokens will not be used", UserWarning)
            torch.onnx.export(
                whole,
                tuple(example[of[name]] if name in of else None for name in PARAMETERS),
                path,
                input_names=[of[name] for name in PARAMETERS if name in of],
                output_names=["logits"],
                dynamic_shapes=tuple(sizes[of[name]] if name in of else None for name in PARAMETERS),
                opset_version=OPSET,
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except ModuleNotFoundError as error:
        raise ValueError(
            f'ONNX needs {error.name}: pip install -c constraints.txt -e ".[export]", or export with --no-onnx'
        ) from error


def example_inputs(model: MoodClassifier, inputs: InputConfig) -> dict[str, Tensor]:
    """Inputs of the graph by name, as many songs as `SONGS`, one of them without sound and one without words."""
    example: dict[str, Tensor] = {}
    if model.config.audio is not None:
        if model.audio is None:
            example["audio_vectors"] = torch.zeros(SONGS, model.audio_projection[0].mean.shape[0])
        else:
            example["mel"] = torch.zeros(SONGS, WINDOWS, inputs.mel.n_mels, inputs.window_frames)
    if model.config.lyrics is not None:
        example["input_ids"] = torch.zeros(SONGS, CHUNKS, TOKENS, dtype=torch.int64)
        example["attention_mask"] = torch.ones(SONGS, CHUNKS, TOKENS, dtype=torch.int64)
    if model.config.audio is not None:
        example["has_audio"] = torch.arange(SONGS) > 0
    if model.config.lyrics is not None:
        example["has_lyrics"] = torch.arange(SONGS) < SONGS - 1
    return example


def parameter_of(name: str) -> str:
    """The parameter of `WholeModel.forward` that an input of the graph is."""
    return "sound" if name in ("mel", "audio_vectors") else name
