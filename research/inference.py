"""A trained run put to use: the mood of one song, of any length, with or without its words."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from research.batch import Batch, pad_tokens
from research.data import InputConfig
from research.features.audio import MelSettings, load_log_mel, window_starts
from research.features.lyrics import clean_lyrics, tokenize_lyrics
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.frozen import frozen_encoder
from research.models.frozen_lyrics import FrozenLyrics
from research.models.lyrics import load_tokenizer
from research.runs import RunFolder

MAX_WINDOWS = 64
"""Longer songs are heard in this many windows, spread evenly: memory stays bounded however long the song."""


@dataclass(frozen=True)
class MoodPrediction:
    probabilities: dict[str, float]
    """Share of each mood, in the model's label order."""
    heard: bool
    """The sound was judged."""
    read: bool
    """The words were judged."""

    @property
    def mood(self) -> str:
        return max(self.probabilities, key=self.probabilities.__getitem__)


class MoodPredictor:
    """The model of a finished run. Knows the label space and the front-end it was trained with."""

    def __init__(self, run: RunFolder):
        """Build the model of `run` and fill in its weights.

        Raises:
            FileNotFoundError: the run has no weights yet.
            ValueError: it is no run of a mood classifier, but of a baseline or of tags.
        """
        if "inputs" not in run.config:
            raise ValueError(f"{run.path} is the baseline {run.config['name']!r}; give a run of experiments/fusion.py")
        if "tags" in run.config:
            raise ValueError(f"{run.path} learned tags; give a run of moods alone, such as of experiments/fusion.py")
        if not run.weights.is_file():
            raise FileNotFoundError(f"{run.path} has no trained weights; finish the run first")
        inputs = run.config["inputs"]
        self.config = ModelConfig.from_json(run.config["model"])
        self.inputs = InputConfig(**{**inputs, "mel": MelSettings(**inputs["mel"])})
        self.labels: tuple[str, ...] = tuple(run.config["labels"])
        self.corpus: str = run.config["corpus"]["name"]
        self.synthetic: bool = run.config["corpus"]["synthetic"]
        n_mels = self.inputs.mel.n_mels
        self.model = MoodClassifier(self.config, n_labels=len(self.labels), n_mels=n_mels, pretrained=False)
        run.load_weights(self.model)
        self.model.eval()
        if self.config.lyrics is not None:
            self.tokenizer = load_tokenizer(self.config.lyrics)
            frozen = self.config.lyrics.frozen
            self.frozen_lyrics = FrozenLyrics(self.config.lyrics, self.inputs.max_tokens) if frozen else None

    @torch.inference_mode()
    def predict(self, audio: Path | None, lyrics: str | None = None) -> MoodPrediction:
        """Mood of one song from its sound, its words or both; a side the model does not know is not used.

        Args:
            audio: any file that soundfile decodes, of any length.
            lyrics: raw words; cleaned here.

        Raises:
            AudioError: the file is no usable sound.
            ValueError: nothing left to judge: neither side is given, or not the one the model knows.
        """
        hears = audio is not None and self.config.audio is not None
        words = clean_lyrics(lyrics or "") if self.config.lyrics is not None else ""
        if not hears and not words:
            known = [side for side in ("audio", "lyrics") if getattr(self.config, side) is not None]
            raise ValueError(f"nothing to judge: this model knows {' and '.join(known)}; give it that side of the song")
        logits = self.model(self._batch(audio if hears else None, words))[0]
        shares = logits.softmax(dim=-1).tolist()
        return MoodPrediction(dict(zip(self.labels, shares, strict=True)), heard=hears, read=bool(words))

    def _mel(self, path: Path) -> np.ndarray:
        """(windows, frames, n_mels) pieces that cover the song."""
        song, frames = load_log_mel(path, self.inputs.mel), self.inputs.window_frames
        if len(song) < frames:
            return np.resize(song, (1, frames, song.shape[1]))  # repeats, as in training
        count = min(MAX_WINDOWS, max(self.inputs.eval_windows, -(-len(song) // frames)))
        return np.stack([song[start : start + frames] for start in window_starts(len(song), frames, count)])

    def _vectors(self, path: Path) -> np.ndarray:
        """(1, audio_dim): what the frozen encoders make of the song."""
        found = [frozen_encoder(name).frames(path).mean(axis=0) for name in self.config.audio.frozen]
        return np.concatenate(found)[None]

    def _batch(self, audio: Path | None, words: str) -> Batch:
        mel = np.zeros((0, self.inputs.window_frames, self.inputs.mel.n_mels), dtype=np.float32)
        heard = np.zeros((1, 0), dtype=np.float32)
        if audio is not None and self.config.audio.frozen:
            heard = self._vectors(audio)
        elif audio is not None:
            mel = self._mel(audio)
        tokens = tokenize_lyrics([words], self.tokenizer, self.inputs.max_tokens) if words else [np.zeros(0, np.int32)]
        input_ids, mask = (torch.from_numpy(array) for array in pad_tokens(tokens))
        vectors = np.zeros((1, 0), dtype=np.float32)
        if words and self.frozen_lyrics is not None:
            vectors = self.frozen_lyrics.vectors([words])
        return Batch(
            mel=torch.from_numpy(mel).transpose(1, 2)[None],
            input_ids=input_ids,
            attention_mask=mask,
            audio_vectors=torch.from_numpy(heard),
            lyrics_vectors=torch.from_numpy(vectors),
            has_audio=torch.tensor([audio is not None]),
            has_lyrics=torch.tensor([bool(words)]),
            target=torch.tensor([-1]),
            track_index=torch.tensor([0]),
        )
