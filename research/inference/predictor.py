"""`MoodPredictor`: predicts the mood of songs of any length, with or without lyrics."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor

from research.data.songs import InputConfig
from research.features.audio import MelSettings
from research.features.lyrics import clean_lyrics, detect_language
from research.features.source import Source, open_song
from research.inference.batches import moments, song_batch
from research.inference.calibrated import KEY, Calibrated, read_calibration, test_songs
from research.inference.folded import fold_norms
from research.inference.listening import Heard, listen
from research.inference.prediction import Moment, MoodPrediction
from research.inference.threads import share_of_threads
from research.inference.words import Reader, Words
from research.models.classifier import ModelConfig, MoodClassifier
from research.models.precision import fast_products
from research.moods import plane_position
from research.runs import RunFolder

AHEAD = 2
"""Songs per core that may be started before the first result is requested."""
PIECES_AT_ONCE = 8
"""Segments of a song in one batch: all of a preview, or a part of a longer song."""
MAX_UNLIKENESS = 3.0
"""Distance from the training songs, in standard deviations, beyond which no mood fits."""
MIN_VARIATION_DB = 4.0
"""Noise and held tones change less over time. Measured over 30 s: white noise 2.2, segments of qaed4, mirex_like and
the synthetic corpus 6.3 and more (150 each)."""
EXPORTED_LYRICS = "lyrics"
"""Where an exported folder has the lyrics encoder."""
NO_WORDS = ""
SIDES = 2
"""Threads for one song: one hears, one reads; then both hear."""
MAX_LINES = 60
"""Lines judged one by one; longer songs repeat themselves."""


@dataclass(frozen=True)
class Song:
    """A song's audio and lyrics, as far as available."""

    audio: Source | None
    lyrics: str | None = None
    """Raw lyrics; line times ("[01:02.50] words") are used for the mood over time."""


@dataclass(frozen=True, eq=False)
class _Prepared:
    heard: Heard | None
    words: str
    raw: str


class MoodPredictor:
    """The model of a run or of an exported folder. Thread-safe."""

    def __init__(self, run: RunFolder):
        """Build the model of `run` and fill in its weights.

        Raises:
            FileNotFoundError: the run has no weights yet.
            ValueError: the run is a baseline, not a mood classifier; or an encoder cannot be loaded.
        """
        if "inputs" not in run.config or "mel" not in run.config["inputs"]:
            raise ValueError(f"{run.path} is the baseline {run.config['name']!r}; give a run of experiments/fusion.py")
        if not run.weights.is_file():
            raise FileNotFoundError(f"{run.path} has no trained weights; finish the run first")
        self.run = run
        inputs = run.config["inputs"]
        self.config = ModelConfig.from_json(_with_own_encoder(run))
        self.inputs = InputConfig(**{**inputs, "mel": MelSettings(**inputs["mel"])})
        self.labels: tuple[str, ...] = tuple(run.config["labels"])
        self.tags: tuple[str, ...] = tuple(run.config.get("tags", ()))
        self.corpus: str = run.config["corpus"]["name"]
        self.synthetic: bool = run.config["corpus"]["synthetic"]
        # An interrupted run answers too, with its best epoch so far.
        self.finished: bool = run.finished or KEY in run.config
        self.calibrated: Calibrated = read_calibration(run)
        n_labels = len(self.labels) + len(self.tags)
        self.model = MoodClassifier(self.config, n_labels=n_labels, n_mels=self.inputs.mel.n_mels, pretrained=False)
        run.load_weights(self.model)
        self.model.eval()
        listens = self.config.audio is not None and not self.config.audio.frozen and not self.model.join.reads_sequences
        self._sound = fold_norms(self.model.audio) if listens else None
        self.reader = Reader(self.model, self.inputs) if self.config.lyrics is not None else None

    @property
    def trained_on(self) -> str:
        """What the model learned from, worded so that nobody mistakes invented songs for music, or a part for all."""
        corpus = f"invented songs (corpus {self.corpus})" if self.synthetic else f"the corpus {self.corpus}"
        return corpus if self.finished else f"{corpus}; training is not finished, run its command again"

    @property
    def test_songs(self) -> list[str]:
        """Ids of the songs of its corpus that it was tested on; empty if unknown."""
        return test_songs(self.run)

    def predict(self, audio: Source | None, lyrics: str | None = None) -> MoodPrediction:
        """Mood of one song from audio, lyrics or both; a modality that the model does not have is ignored.

        Args:
            audio: a file that libsndfile or FFmpeg decodes, its content, or samples with their rate; of any length.
            lyrics: raw text, cleaned here; line times (LRC) are used for the mood over time.

        Raises:
            AudioError: the file is no usable sound.
            ValueError: nothing to judge: no modality is given, or not the one the model has.
        """
        return self.predict_heard(audio, lyrics)[0]

    def predict_heard(self, audio: Source | None, lyrics: str | None = None) -> tuple[MoodPrediction, Heard | None]:
        """The answer of `predict`, and the audio as the model heard it."""
        words = self._clean(lyrics)
        # The words are read while the sound is decoded and heard.
        share = {"initializer": share_of_threads, "initargs": (SIDES,)}
        with ThreadPoolExecutor(SIDES, **share) as pool, share_of_threads(SIDES):
            reading = pool.submit(self._read, words)
            song = self._prepare(Song(audio, lyrics), words)
            return self._answer(song, reading.result, pool.map), song.heard

    def predict_many(self, songs: Iterable[Song]) -> Iterator[MoodPrediction | ValueError]:
        """`predict` for many songs, in order; a song that cannot be judged yields its error instead.

        Judges as many songs at once as there are cores, one core per song if torch is limited to one thread
        (`torch.set_num_threads(1)`). Songs never share a batch: in bfloat16 the others would change a song's answer,
        and on a CPU a song's own lyrics and windows are enough to fill a batch.
        """
        cores = os.cpu_count() or 1
        with ThreadPoolExecutor(max_workers=cores) as pool:
            coming = iter(songs)
            ahead = deque(pool.submit(self._judge, song) for song in islice(coming, AHEAD * cores))
            while ahead:
                found = ahead.popleft().result()
                ahead.extend(pool.submit(self._judge, song) for song in islice(coming, 1))
                yield found

    @torch.inference_mode()
    def telling_lines(self, lyrics: str, mood: str, count: int) -> list[tuple[str, float]]:
        """Lines that alone indicate a mood most, with its probability, strongest first.

        Args:
            lyrics: raw text; at most `MAX_LINES` distinct lines are judged.
            count: maximum number of lines.

        Raises:
            KeyError: the model does not know that mood.
        """
        lines = [line for line in dict.fromkeys(clean_lyrics(lyrics).splitlines()) if line.strip()][:MAX_LINES]
        if not lines or self.reader is None:
            return []
        column, words = {label: at for at, label in enumerate(self.labels)}[mood], self.reader.read(lines)
        nothing = torch.zeros(len(lines), 0)
        shares = self._probabilities(self.model(song_batch(None, nothing, words, False)))[:, column].tolist()
        return sorted(zip(lines, shares, strict=True), key=lambda line: -line[1])[:count]

    def _judge(self, song: Song) -> MoodPrediction | ValueError:
        words = self._clean(song.lyrics)
        try:
            return self._answer(self._prepare(song, words), partial(self._read, words))
        except ValueError as error:
            return error

    def _clean(self, lyrics: str | None) -> str:
        return clean_lyrics(lyrics or NO_WORDS) if self.reader is not None else NO_WORDS

    def _read(self, words: str) -> Words | None:
        return self.reader.read([words]) if words else None

    def _prepare(self, song: Song, words: str) -> _Prepared:
        hears = song.audio is not None and self.config.audio is not None
        if not hears and not words:
            known = [side for side in ("audio", "lyrics") if getattr(self.config, side) is not None]
            raise ValueError(f"nothing to judge: this model reads {' or '.join(known)}, and is given none")
        # Each frozen encoder reads the song at its own rate.
        with open_song(song.audio, bool(self.config.audio.frozen)) if hears else nullcontext() as opened:
            heard = listen(opened, self.model, self.inputs) if hears else None
        return _Prepared(heard, words, song.lyrics or NO_WORDS)

    @torch.inference_mode()
    def _answer(
        self, song: _Prepared, read: Callable[[], Words | None], share_out: Callable[..., Iterable[Tensor]] = map
    ) -> MoodPrediction:
        """The model's answer; `share_out` is the `map` that distributes a long song's segments."""
        heard, mel = song.heard, None
        vectors = whole = torch.zeros(1, 0)
        if heard is not None:
            if heard.mel is None:
                vectors, whole = torch.from_numpy(heard.vectors), torch.from_numpy(heard.whole)[None]
            else:
                mel = torch.from_numpy(heard.mel).transpose(1, 2)  # (pieces, n_mels, frames)
                if self._sound is not None:
                    vectors = torch.cat([*share_out(self._hear, mel.split(PIECES_AT_ONCE))])
                    mel, whole = None, vectors.mean(dim=0, keepdim=True)
        words = read()
        logits, alone = self.model(
            song_batch(mel if mel is None else mel[None], whole, words, heard is not None), sides=True
        )
        shown = self._probabilities(logits)
        moods, tags = shown[0, : len(self.labels)].tolist(), shown[0, len(self.labels) :].tolist()
        confidence = max(moods, default=0.0)
        probabilities = dict(zip(self.labels, moods, strict=True))
        given = zip(self.tags, tags, self.calibrated.tag_thresholds, strict=True)
        return MoodPrediction(
            probabilities=probabilities,
            tags=dict(zip(self.tags, tags, strict=True)),
            given_tags=tuple(tag for tag, share, least in given if share >= least),
            fits=confidence >= self.calibrated.least_confidence and (heard is None or _like_music(heard)),
            unlikeness=None if heard is None else heard.unlikeness,
            variation_db=None if heard is None else heard.variation_db,
            position=plane_position(probabilities),
            shares=self._shares(shown, alone, heard is not None, words is not None),
            curve=() if heard is None else self._curve(song, mel, vectors, words),
            duration_s=None if heard is None else heard.duration_s,
            language=detect_language(song.words) if song.words else None,
            heard=heard is not None,
            read=words is not None,
        )

    @torch.inference_mode()
    def _hear(self, mel: Tensor) -> Tensor:
        with fast_products():
            return self._sound(mel[:, None]).float()

    def _shares(self, both: Tensor, alone: list, heard: bool, read: bool) -> dict[str, float]:
        """How far the answer moves when a modality is left out (total variation), as a share of both moves."""
        if not (heard and read):
            return {name: 1.0 for name, used in (("audio", heard), ("lyrics", read)) if used}
        by_sound, by_words = (self._probabilities(logits) for logits, _ in alone)
        moved = [(both - other).abs().sum().item() for other in (by_words, by_sound)]
        total = sum(moved)
        sound = moved[0] / total if total else 0.5
        return {"audio": sound, "lyrics": 1 - sound}

    def _curve(self, song: _Prepared, mel: Tensor | None, vectors: Tensor, words: Words | None) -> tuple[Moment, ...]:
        heard = song.heard
        if not self.labels:
            return ()
        sung = None if words is None else self.reader.read_sung(song.raw, heard.starts_s, heard.ends_s)
        batches = moments(heard, mel, vectors, words, sung)
        shown = torch.cat([self._probabilities(self.model(batch)) for batch in batches])[:, : len(self.labels)]
        return tuple(
            Moment(start_s=start, end_s=end, probabilities=dict(zip(self.labels, shares, strict=True)))
            for start, end, shares in zip(heard.starts_s.tolist(), heard.ends_s.tolist(), shown.tolist(), strict=True)
        )

    def _probabilities(self, logits: Tensor) -> Tensor:
        n_moods = len(self.labels)
        moods = (logits[:, :n_moods] / self.calibrated.temperature).softmax(dim=-1)
        return torch.cat([moods, logits[:, n_moods:].sigmoid()], dim=1)


def load_predictor(path: Path) -> MoodPredictor:
    """The predictor of a run folder or an exported folder (see `MoodPredictor`)."""
    return MoodPredictor(RunFolder.load(path))


def _like_music(heard: Heard) -> bool:
    return heard.unlikeness <= MAX_UNLIKENESS and heard.variation_db >= MIN_VARIATION_DB


def _with_own_encoder(run: RunFolder) -> dict:
    """The model's configuration; for an exported folder, with the path of its own lyrics encoder."""
    model = run.config["model"]
    if model["lyrics"] is None or model["lyrics"]["model"] != EXPORTED_LYRICS:
        return model
    return {**model, "lyrics": {**model["lyrics"], "model": str(run.path / EXPORTED_LYRICS)}}
