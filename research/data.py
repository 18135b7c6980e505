"""From a corpus to batches: windows read from the feature store in one go, words tokenised once, lengths bucketed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Bool, Float16, Float32, Float64, Int
from torch.utils.data import DataLoader, Dataset, Sampler

from research.batch import Batch, PictureBatch, pad_tokens
from research.features.audio import MelSettings, window_starts
from research.features.augment import MASK_DRAWS, drop_modality, spec_augment
from research.features.store import MelStore
from research.labels import LabelSpace, Targets, target_array
from research.tracks import TrackTable

Tokenize = Callable[[Sequence[str]], list[np.ndarray]]
EmbedWords = Callable[[Sequence[str]], np.ndarray]
NO_WORDS = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    mel: MelSettings = MelSettings()
    """How sound becomes a spectrogram."""
    window_frames: int = 216
    """Length of the pieces a network hears; 216 frames are 5.0 s at the default hop."""
    eval_windows: int = 6
    """Pieces of a song, evenly spaced, that are averaged in evaluation."""
    max_tokens: int = 512
    """Longer lyrics are cut here."""


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """What changes from epoch to epoch in training; all zero: nothing but the place of the window."""

    time_mask: int = 40
    """Longest of two SpecAugment masks along time, in frames."""
    mel_mask: int = 16
    """Longest of two SpecAugment masks along frequency, in mel bands."""
    drop_audio: float = 0.2
    """Share of songs with words that lose their sound for one step, so that the model learns to do without."""
    drop_lyrics: float = 0.2
    """Share of songs with sound that lose their words for one step."""
    gain_db: float = 0.0
    """Most by which a spectrogram is made louder or softer, evenly distributed."""
    drop_words: float = 0.0
    """Share of a song's tokens that a learning lyrics encoder does not see in one step; special tokens stay."""


@dataclass(frozen=True)
class Songs:
    """A corpus as a model reads it; arrays are aligned with the rows of `tracks`."""

    tracks: TrackTable
    inputs: InputConfig
    store: MelStore | None
    """Spectrograms; None where sound is read as `audio_vectors`, or not at all."""
    store_rows: Int[np.ndarray, " songs"]
    """Row in that store; -1 where a song is not in it."""
    n_frames: Int[np.ndarray, " songs"]
    """Length in spectrogram frames; 0 where a song is not in the store."""
    audio_vectors: Float32[np.ndarray, "songs audio_dim"]
    """Sound through frozen encoders; no columns where the network learns and reads spectrograms."""
    has_audio: Bool[np.ndarray, " songs"]
    digests: Mapping[str, str]
    """Hash of the audio file by track_id, of the songs that have readable sound."""
    tokens: list[np.ndarray]
    """Token ids; empty where a song has no words."""
    lyrics_vectors: Float32[np.ndarray, "songs lyrics_dim"]
    """Words through a frozen encoder; no columns where the encoder learns and reads the tokens itself."""
    space: LabelSpace
    """What is asked of a song: its mood, unless `with_labels` says otherwise."""
    targets: Targets
    """See `research.labels.target_array`."""

    @property
    def has_lyrics(self) -> Bool[np.ndarray, " songs"]:
        return np.array([len(ids) > 0 for ids in self.tokens], dtype=bool)


def load_songs(
    tracks: TrackTable,
    inputs: InputConfig,
    stores: Sequence[MelStore],
    tokenize: Tokenize | None,
    embed_words: EmbedWords | None = None,
) -> Songs:
    """Join a table with its features; words are read and tokenised here, once.

    Args:
        stores: of this table: the one of spectrograms made with `inputs.mel`, or those of frozen encoders, whose
            vectors are put side by side, or none to do without sound.
        tokenize: texts to token ids without padding (`research.features.lyrics.tokenize_lyrics` with its tokenizer
            bound), or None to do without words.
        embed_words: texts to vectors by a frozen encoder (`research.embeddings`), or None where it learns.
    """
    ids = list(tracks.frame["track_id"])
    space = LabelSpace(tracks.corpus.labels)
    mel = next((store for store in stores if store.settings == inputs.mel), None)
    texts = [tracks.lyrics_text(row) or "" if tokenize else "" for row in range(len(ids))]
    tokens = tokenize(texts) if tokenize else [NO_WORDS] * len(ids)
    nothing = np.zeros((len(ids), 0), dtype=np.float32)
    return Songs(
        tracks=tracks,
        inputs=inputs,
        store=mel,
        store_rows=mel.rows(ids) if mel else np.full(len(ids), -1),
        n_frames=mel.n_frames(ids) if mel else np.zeros(len(ids), dtype=np.int64),
        audio_vectors=np.hstack([nothing, *(store.means(ids) for store in stores if store is not mel)]),
        has_audio=np.logical_and.reduce([store.rows(ids) >= 0 for store in stores] or [np.zeros(len(ids), bool)]),
        digests=stores[0].digests if stores else {},
        tokens=tokens,
        lyrics_vectors=embed_words(texts) if embed_words else nothing,
        space=space,
        targets=target_array(tracks, space),
    )


def with_labels(songs: Songs, space: LabelSpace) -> Songs:
    """The same songs, asked for other labels."""
    return replace(songs, space=space, targets=target_array(songs.tracks, space))


class SongDataset(Dataset):
    """Some songs of a corpus. Reads whole batches (`__getitems__`), so a batch costs one pass over the memory map.

    What is random depends on seed, epoch and song alone, never on order, batch or process: any of them may change
    between two runs, or a run may be resumed, and a song is still heard from the same place.
    """

    def __init__(
        self,
        songs: Songs,
        rows: Int[np.ndarray, " rows"],
        *,
        read_audio: bool = True,
        read_lyrics: bool = True,
        augmentation: Augmentation | None = None,
        seed: int = 0,
    ):
        """With `augmentation=None` songs are read for evaluation: evenly spaced windows, nothing random."""
        self.songs = songs
        self.rows = rows
        self.augmentation = augmentation
        self.seed = seed
        self.epoch = 0
        self.has_audio = songs.has_audio[rows] & read_audio
        self.has_lyrics = songs.has_lyrics[rows] & read_lyrics
        self.targets = songs.targets[rows]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def n_labels(self) -> int:
        return len(self.songs.space)

    @property
    def n_tags(self) -> int:
        return len(self.songs.space.tags)

    def loader(self, batch_size: int) -> DataLoader:
        """Batches of songs with words of like length, shuffled where they are augmented."""
        return batch_loader(self, self.n_tokens, batch_size, shuffle=self.augmentation is not None, seed=self.seed)

    @property
    def n_tokens(self) -> Int[np.ndarray, " rows"]:
        """Length of each song's words, for bucketing."""
        lengths = np.array([len(self.songs.tokens[row]) for row in self.rows], dtype=np.int64)
        return np.where(self.has_lyrics, lengths, 0)

    def __getitem__(self, position: int) -> Batch:
        return self.__getitems__([position])

    def __getitems__(self, positions: Sequence[int]) -> Batch:
        rows = self.rows[positions]
        draws = _epoch_draws(self.seed, self.epoch, len(self.songs.tracks))[rows]
        has_audio, has_lyrics = self.has_audio[positions], self.has_lyrics[positions]
        if self.augmentation is not None:
            rates = self.augmentation.drop_audio, self.augmentation.drop_lyrics
            has_audio, has_lyrics = drop_modality(has_audio, has_lyrics, *rates, draws[:, 0])
        mel = self._windows(rows, has_audio, draws[:, 1:])
        words = [self._words(row) if here else NO_WORDS for row, here in zip(rows.tolist(), has_lyrics, strict=True)]
        input_ids, attention_mask = pad_tokens(words)
        return Batch(
            mel=torch.from_numpy(mel).transpose(2, 3),
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy(attention_mask),
            audio_vectors=torch.from_numpy(self.songs.audio_vectors[rows]),
            lyrics_vectors=torch.from_numpy(self.songs.lyrics_vectors[rows]),
            has_audio=torch.from_numpy(has_audio),
            has_lyrics=torch.from_numpy(has_lyrics),
            target=torch.from_numpy(self.targets[positions]),
            track_index=torch.from_numpy(rows),
        )

    def _words(self, row: int | np.integer) -> np.ndarray:
        tokens = self.songs.tokens[row]
        if self.augmentation is None or not self.augmentation.drop_words or len(tokens) <= 2:
            return tokens
        kept = np.random.default_rng([self.seed, self.epoch, row]).random(len(tokens)) >= self.augmentation.drop_words
        kept[[0, -1]] = True
        return tokens[kept]

    def _windows(
        self, rows: np.ndarray, has_audio: np.ndarray, draws: np.ndarray
    ) -> Float16[np.ndarray, "batch windows frames n_mels"]:
        songs, inputs = self.songs, self.songs.inputs
        heard = np.flatnonzero(has_audio)
        if songs.store is None or len(heard) == 0:
            return np.zeros((len(rows), 0, inputs.window_frames, inputs.mel.n_mels), dtype=np.float16)
        starts = self._starts(songs.n_frames[rows[heard]], draws[heard, 0])  # (heard, windows)
        store_rows = songs.store_rows[rows[heard]].repeat(starts.shape[1])
        windows = songs.store.windows(store_rows, starts.ravel(), inputs.window_frames)
        windows = windows.reshape(*starts.shape, *windows.shape[1:])
        if self.augmentation is not None:
            masks = {"max_time": self.augmentation.time_mask, "max_freq": self.augmentation.mel_mask}
            windows = spec_augment(windows[:, 0], draws[heard, 2:], **masks)[:, None]
            if self.augmentation.gain_db:
                gains = self.augmentation.gain_db * (2 * draws[heard, 1] - 1)
                windows += gains.astype(windows.dtype)[:, None, None, None]
        if len(heard) == len(rows):
            return windows
        mel = np.zeros((len(rows), *windows.shape[1:]), dtype=windows.dtype)
        mel[heard] = windows
        return mel

    def _starts(self, n_frames: np.ndarray, draws: np.ndarray) -> np.ndarray:
        window = self.songs.inputs.window_frames
        if self.augmentation is None:
            return np.stack([window_starts(n, window, self.songs.inputs.eval_windows) for n in n_frames.tolist()])
        last = np.maximum(n_frames - window, 0)
        return (draws * (last + 1)).astype(np.int64)[:, None]


@lru_cache(maxsize=4)  # training and validation go on side by side, each in its epoch
def _epoch_draws(seed: int, epoch: int, n_songs: int) -> Float64[np.ndarray, "songs draws"]:
    """All that is random about each song in an epoch, even in [0, 1): which side is dropped, window, gain, masks."""
    draws = np.random.default_rng([seed, epoch]).random((n_songs, 3 + MASK_DRAWS))
    draws.flags.writeable = False
    return draws


class LengthBuckets(Sampler[list[int]]):
    """Batches of songs with words of like length, so that little is padded; the short batch, if any, comes last.

    `batch_size` and `drop_last` are the names by which accelerate shares batches among processes.
    """

    drop_last = False

    def __init__(self, lengths: Int[np.ndarray, " songs"], batch_size: int, *, shuffle: bool, seed: int = 0):
        self.lengths = lengths
        self.batch_size = batch_size
        self.shuffle = shuffle
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        generator = np.random.default_rng([self.seed, self.epoch])
        order = np.arange(len(self.lengths))
        pool = len(order)
        if self.shuffle:
            order, pool = generator.permutation(order), 16 * self.batch_size
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            order[start : start + pool] = part[np.argsort(self.lengths[part], kind="stable")]
        batches = [order[i : i + self.batch_size].tolist() for i in range(0, len(order), self.batch_size)]
        whole = len(self.lengths) // self.batch_size
        if self.shuffle:
            yield from (batches[i] for i in generator.permutation(whole))
        else:
            yield from batches[:whole]
        yield from batches[whole:]


def batch_loader(
    dataset: Dataset, lengths: Int[np.ndarray, " songs"], batch_size: int, *, shuffle: bool, seed: int
) -> DataLoader:
    """Batches of a dataset that reads whole ones. No worker processes: on a memory map they cost 3-4x.

    Args:
        lengths: by which songs share a batch; all equal where nothing is padded.
    """
    buckets = LengthBuckets(lengths, batch_size, shuffle=shuffle, seed=seed)
    return DataLoader(dataset, batch_sampler=buckets, collate_fn=_as_is)


def _as_is(batch: Batch | PictureBatch) -> Batch | PictureBatch:
    return batch
