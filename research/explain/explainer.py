"""Integrated gradients of a decision: how much each cell of the spectrogram and each word moved it.

Explained are the log-odds of a label: of a mood against all others, after temperature scaling; of a tag against its
absence. The attributions of a modality sum to what the log-odds lose when that modality is replaced by its baseline
while the other is unchanged. The baseline is the mean of the audio a network was trained on, and padding tokens in
place of words.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from research.explain.gradients import Advance, integrated_gradients
from research.explain.sound import Plane, Sound, hear
from research.explain.words import Text, Word, read_text
from research.features.lyrics import clean_lyrics
from research.features.source import Source, open_song
from research.inference import MoodPredictor
from research.inference.batches import song_batch, words_rows
from research.inference.words import Words
from research.models.frozen import frozen_encoder, published_network
from research.models.frozen_lyrics import MAX_LINE_TOKENS
from research.models.precision import cpu_computes_bf16
from research.models.published import PUBLISHED

SOUND_STEPS, WORD_STEPS = 8, 16
"""Points of the Gauss-Legendre rule between the baseline and the song; a step through published audio networks
costs seconds."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why one label was given to one song."""

    label: str
    log_odds: float
    """Of the label, natural units; 0 is a probability of one half."""
    spectrogram: Plane | None
    """Log-mel power, dB; None where no sound was judged."""
    sound: Plane | None
    """What each cell of the spectrogram adds to the log-odds; None where that was not asked."""
    frame_s: float | None
    band_hz: Float[np.ndarray, " n_mels"] | None
    unplaced: dict[str, float]
    """What encoders add whose input is no spectrogram, by name: it cannot be placed in the picture."""
    words: tuple[Word, ...]
    """Those read; empty where no words were judged."""


@dataclass(frozen=True, eq=False)
class Material:
    """What a model reads of a song."""

    sound: Sound | None
    text: Text | None


class Explainer:
    """Explains the answers of a predictor; its encoders, frozen ones too, are run anew with gradients."""

    def __init__(self, predictor: MoodPredictor):
        self._predictor = predictor
        self._model, reader = predictor.model, predictor.reader
        frozen = reader is not None and reader.frozen is not None
        # An own copy: where there is a GPU, the predictor moves its encoder there.
        self._reads_words = copy.deepcopy(reader.frozen.encoder).cpu() if frozen else self._model.lyrics
        self._by_line = frozen and reader.frozen.by_line
        encoders = predictor.config.audio.frozen if predictor.config.audio is not None else ()
        self._networks = {name: published_network(name) for name in encoders if name in PUBLISHED}
        # Other labels and other words are asked of the same sound, whose networks take the longest.
        self._heard: WeakKeyDictionary[Sound, Tensor] = WeakKeyDictionary()

    def prepare(self, audio: Source | None, lyrics: str | None) -> Material:
        """Read a song, either side of which may be missing.

        Raises:
            AudioError: the file is no usable sound.
            ValueError: there is neither side that the model knows.
        """
        hears = audio is not None and self._predictor.config.audio is not None
        words = clean_lyrics(lyrics or "") if self._predictor.reader is not None else ""
        if not hears and not words:
            raise ValueError("nothing to explain: give audio or lyrics, whichever this model uses")
        with open_song(audio, bool(self._predictor.config.audio.frozen)) if hears else nullcontext() as opened:
            sound = hear(opened, self._model, self._predictor.inputs, self._networks) if hears else None
        return Material(sound, self.read(words) if words else None)

    def read(self, words: str) -> Text:
        """Clean lyrics as this model's encoder reads them."""
        tokenizer = self._predictor.reader.tokenizer
        longest = MAX_LINE_TOKENS if self._by_line else self._predictor.inputs.max_tokens
        return read_text(words, tokenizer, tokenizer.pad_token_id, longest, self._by_line)

    @torch.no_grad()
    def log_odds(self, material: Material, label: str) -> float:
        """Log-odds of a label.

        Raises:
            KeyError: the model does not know it.
        """
        return self._log_odds(self._vectors(material.sound), self._words(material.text), label).item()

    def explain(
        self,
        material: Material,
        label: str,
        *,
        sound_steps: int = SOUND_STEPS,
        word_steps: int = WORD_STEPS,
        advance: Advance = lambda steps: None,
    ) -> Explanation:
        """Attributions of both sides of a song, as far as it has them.

        Args:
            sound_steps, word_steps: more bring the sums nearer to the change of the log-odds, at their cost; with 0
                that side is read, but not explained.
            advance: called with the number of steps that are done, of either side's.

        Raises:
            KeyError: the model does not know the label.
        """
        sound, picture, unplaced = material.sound, None, {}
        if sound is not None and sound_steps:
            picture, unplaced = self._explain_sound(material, label, sound_steps, advance)
        words: tuple[Word, ...] = ()
        if material.text is not None and word_steps:
            words = self._explain_words(material, label, word_steps, advance)
        return Explanation(
            label=label,
            log_odds=self.log_odds(material, label),
            spectrogram=None if sound is None else sound.spectrogram,
            sound=picture,
            frame_s=None if sound is None else sound.frame_s,
            band_hz=None if sound is None else sound.band_hz,
            unplaced=unplaced,
            words=words,
        )

    def randomised(self, generator: torch.Generator, *, encoders: bool) -> "Explainer":
        """The same architecture with weights shuffled within each tensor: it knows nothing, and answers as often.

        Args:
            encoders: shuffle these too; else only what joins them and answers.
        """
        other = copy.copy(self)
        other._heard = WeakKeyDictionary()
        other._model = copy.deepcopy(self._model)
        other._networks = copy.deepcopy(self._networks) if encoders else self._networks
        learned = [part for name, part in other._model.named_children() if encoders or name not in ("audio", "lyrics")]
        if self._reads_words is self._model.lyrics:
            other._reads_words = other._model.lyrics
        elif encoders:
            other._reads_words = copy.deepcopy(self._reads_words)
            learned.append(other._reads_words)
        with torch.no_grad():
            for part in [*learned, *(other._networks.values() if encoders else ())]:
                for values in part.parameters():
                    order = torch.randperm(values.numel(), generator=generator)
                    values.copy_(values.flatten()[order].view_as(values))
        return other

    def _explain_sound(
        self, material: Material, label: str, steps: int, advance: Advance
    ) -> tuple[Plane, dict[str, float]]:
        sound, words = material.sound, self._words(material.text)
        placed, fixed = list(sound.pieces.values()), list(sound.fixed)
        inputs = (*(pieces.mel[None] for pieces in placed), *sound.fixed.values())
        neutral = (
            *(pieces.neutral.expand_as(pieces.mel)[None] for pieces in placed),
            *(self._mean_vectors()[name] for name in fixed),
        )

        def score(*inputs: Tensor) -> Float[Tensor, " steps"]:
            mels = dict(zip(sound.pieces, inputs, strict=False))
            return self._log_odds(self._embed(mels, dict(zip(fixed, inputs[len(mels) :], strict=True))), words, label)

        found = integrated_gradients(score, inputs, neutral, steps, advance)
        plane = np.zeros(sound.spectrogram.shape)
        for pieces, values in zip(placed, found, strict=False):
            pieces.placed(values[0].numpy(), plane)
        return plane, {name: float(value.sum()) for name, value in zip(fixed, found[len(placed) :], strict=True)}

    def _explain_words(self, material: Material, label: str, steps: int, advance: Advance) -> tuple[Word, ...]:
        text = material.text
        heard = self._vectors(material.sound)

        layer, units = self._reads_words.bert.get_input_embeddings(), len(text.input_ids)

        def score(vectors: Float[Tensor, "steps units tokens dim"]) -> Float[Tensor, " steps"]:
            ids, mask = (part.repeat(len(vectors), 1) for part in (text.input_ids, text.attention_mask))
            with _instead(layer, vectors.flatten(0, 1)):
                return self._log_odds(heard, self._embed_words(ids, mask, units), label)

        with torch.no_grad():
            words, neutral = (layer(ids)[None] for ids in (text.input_ids, text.neutral_ids))
        (found,) = integrated_gradients(score, (words,), (neutral,), steps, advance)
        return text.weighed(found[0].sum(dim=-1).numpy())

    def _mean_vectors(self) -> dict[str, Tensor]:
        """Of the training songs, (1, width) by frozen encoder."""
        names = self._predictor.config.audio.frozen
        widths = [frozen_encoder(name).width for name in names]
        return dict(zip(names, self._model.audio_projection[0].mean[None].split(widths, dim=1), strict=True))

    def _vectors(self, sound: Sound | None) -> Tensor | None:
        if sound is None:
            return None
        if sound not in self._heard:
            mels = {name: pieces.mel[None] for name, pieces in sound.pieces.items()}
            with torch.no_grad():
                self._heard[sound] = self._embed(mels, sound.fixed)
        return self._heard[sound]

    def _embed(self, mels: dict[str, Tensor], fixed: dict[str, Tensor]) -> Tensor:
        """Each song's vector of sound; where the model joins frames, the spectrogram as it is."""
        if not self._predictor.config.audio.frozen:
            (mel,) = mels.values()  # (songs, pieces, n_mels, frames)
            return mel if self._model.join.reads_sequences else self._model.audio(mel)
        vectors = []
        for name in self._predictor.config.audio.frozen:
            if name in fixed:
                vectors.append(fixed[name])
                continue
            mel = mels[name]
            with torch.autocast("cpu", torch.bfloat16, enabled=cpu_computes_bf16()):  # as in `encode_pieces`
                pieces = self._networks[name](mel.flatten(0, 1)).float()
            vectors.append(pieces.unflatten(0, mel.shape[:2]).mean(dim=1))
        return torch.cat(vectors, dim=1)

    @torch.no_grad()
    def _words(self, text: Text | None) -> Words | None:
        return None if text is None else self._embed_words(text.input_ids, text.attention_mask, len(text.input_ids))

    def _embed_words(self, input_ids: Tensor, mask: Tensor, units: int) -> Words:
        """Of several texts, each of as many units, one below the other."""
        songs = len(input_ids) // units
        if self._model.join.reads_sequences:
            return Words(torch.zeros(songs, 0), input_ids, mask)
        vectors = self._reads_words(input_ids, mask)
        if self._by_line:
            lines = vectors.unflatten(0, (songs, units))
            vectors = torch.cat([lines.mean(dim=1), lines.amax(dim=1)], dim=1)
        no_tokens = torch.zeros(songs, 0, dtype=torch.int64)
        return Words(vectors, no_tokens, no_tokens)

    def _log_odds(self, heard: Tensor | None, words: Words | None, label: str) -> Float[Tensor, " songs"]:
        """Of each song; a side of a single song goes with all of the other."""
        songs = max(1 if heard is None else len(heard), 1 if words is None else len(words.vectors))
        if heard is not None:
            heard = heard.expand(songs, *heard.shape[1:])
        if words is not None and len(words.vectors) < songs:
            words = words_rows(words, [0] * songs)
        mel = heard if heard is not None and heard.ndim == 4 else None
        vectors = torch.zeros(songs, 0) if heard is None else heard
        logits = self._model(song_batch(mel, vectors, words, heard is not None))
        predictor = self._predictor
        known = list(enumerate((*predictor.labels, *predictor.tags)))
        column = {name: at for at, name in reversed(known)}[label]  # moods come first: a name of both is the mood
        if label not in predictor.labels:
            return logits[:, column]
        moods = logits[:, : len(predictor.labels)] / predictor.calibrated.temperature
        others = [at for at in range(len(predictor.labels)) if at != column]
        return moods[:, column] - moods[:, others].logsumexp(dim=1)


@contextmanager
def _instead(layer: nn.Module, vectors: Float[Tensor, "texts tokens dim"]) -> Iterator[None]:
    """Lets an embedding layer answer these vectors, from left to right: long texts are read piece by piece."""
    place = 0

    def substitute(_: nn.Module, __: tuple, looked_up: Tensor) -> Tensor:
        nonlocal place
        start, place = place, place + looked_up.shape[1]
        return vectors[:, start:place]

    hook = layer.register_forward_hook(substitute)
    try:
        yield
    finally:
        hook.remove()
