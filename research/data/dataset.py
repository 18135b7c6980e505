"""Some songs of a corpus as batches: windows read from the feature store in one go, each epoch's changes on top."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float16, Float32, Float64, Int, Num
from torch.utils.data import DataLoader, Dataset

from research.batch import Batch, pad_tokens
from research.data.augmentation import (
    COPY,
    MASKS,
    PLACE,
    SIDE,
    Augmentation,
    change_spectrograms,
    epoch_draws,
    gains,
)
from research.data.buckets import batch_loader
from research.data.songs import NO_WORDS, Songs
from research.data.waveforms import WaveformBatch
from research.features.audio import window_starts
from research.features.augment import drop_modality, mask_places


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
        """With `augmentation=None` songs are read for evaluation: evenly spaced windows, nothing random.

        Raises:
            ValueError: altered copies are to be heard, but there are none; or no share of a song's pieces.
        """
        if augmentation is not None and not 0 < augmentation.pieces <= 1:
            raise ValueError(f"augmentation.pieces={augmentation.pieces:g}; give a share above 0 and at most 1")
        if augmentation is not None and augmentation.altered and not songs.altered:
            raise ValueError("augmentation.altered needs altered copies; set inputs.altered_copies, such as 2")
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

    def __getitem__(self, position: int) -> Batch | WaveformBatch:
        return self.__getitems__([position])

    def __getitems__(self, positions: Sequence[int]) -> Batch | WaveformBatch:
        at = np.asarray(positions)
        rows = self.rows[at]
        draws = epoch_draws(self.seed, self.epoch, len(self.songs.tracks))[rows]
        has_audio, has_lyrics = self.has_audio[at], self.has_lyrics[at]
        if self.augmentation is not None:
            rates = self.augmentation.drop_audio, self.augmentation.drop_lyrics
            has_audio, has_lyrics = drop_modality(has_audio, has_lyrics, *rates, draws[:, SIDE])
        sound = self._sound(rows, draws[:, COPY])
        heard = np.flatnonzero(has_audio) if self.songs.store is not None else np.zeros(0, dtype=np.int64)
        windows = self._windows(rows[heard], sound[heard], draws[heard, PLACE]) if len(heard) else None
        on_device = windows is not None and self.songs.inputs.stored == "waveform"
        words = [
            self._words(row) if here else NO_WORDS for row, here in zip(rows.tolist(), has_lyrics.tolist(), strict=True)
        ]
        input_ids, attention_mask = pad_tokens(words)
        songs = Batch(
            mel=self._mel(None if on_device else windows, heard, draws),
            input_ids=torch.from_numpy(input_ids),
            attention_mask=torch.from_numpy(attention_mask),
            audio_vectors=torch.from_numpy(self._audio_vectors(rows, sound, draws[:, PLACE])),
            lyrics_vectors=torch.from_numpy(self.songs.lyrics_vectors[rows]),
            has_audio=torch.from_numpy(has_audio),
            has_lyrics=torch.from_numpy(has_lyrics),
            target=torch.from_numpy(self.targets[at]),
            track_index=torch.from_numpy(rows),
        )
        return self._waveforms(songs, windows, heard, sound[heard], draws[heard]) if on_device else songs

    def _mel(
        self,
        windows: Float16[np.ndarray, "heard windows frames n_mels"] | None,
        heard: Int[np.ndarray, " heard"],
        draws: Float64[np.ndarray, "batch draws"],
    ) -> Float16[torch.Tensor, "batch windows n_mels frames"]:
        """Windows with their augmentation, zeros where a song is not heard; no windows where none is."""
        if windows is None:
            inputs = self.songs.inputs
            return torch.zeros(len(draws), 0, inputs.mel.n_mels, inputs.window_frames, dtype=torch.float16)
        if self.augmentation is not None:
            change_spectrograms(windows, draws[heard], self.augmentation)
        mel = windows
        if len(heard) < len(draws):
            mel = np.zeros((len(draws), *windows.shape[1:]), dtype=windows.dtype)
            mel[heard] = windows
        return torch.from_numpy(mel).transpose(2, 3)

    def _sound(self, rows: np.ndarray, draws: np.ndarray) -> Int[np.ndarray, " batch"]:
        """Which sound of a song is heard: 0 its own, then its altered copies."""
        share = self.augmentation.altered if self.augmentation is not None else 0.0
        if not share:
            return np.zeros(len(rows), dtype=np.int64)
        copies = self.songs.altered
        chosen = np.where(draws < share, 1 + (draws / share * len(copies)).astype(np.int64), 0)
        # A recording just long enough for an encoder may be too short for it once it is played faster.
        usable = np.stack([self.songs.has_audio, *(copy.has_audio for copy in copies)])[chosen, rows]
        return np.where(usable, chosen, 0)

    def _audio_vectors(
        self, rows: np.ndarray, sound: np.ndarray, draws: np.ndarray
    ) -> Float32[np.ndarray, "batch audio_dim"]:
        share = self.augmentation.pieces if self.augmentation is not None else 1.0

        def read(songs: Songs, which: np.ndarray) -> np.ndarray:
            if share == 1:
                return songs.audio_vectors[rows[which]]
            return songs.stretch_vectors(rows[which], share, draws[which])

        return self._by_sound(sound, read)

    def _by_sound(self, sound: np.ndarray, read: Callable[[Songs, np.ndarray], np.ndarray]) -> np.ndarray:
        """What `read` gives of each song, asked of the recordings or the copies that are heard."""
        parts = []
        for number, songs in enumerate((self.songs, *self.songs.altered)):
            which = np.flatnonzero(sound == number)
            if len(which):
                parts.append((which, read(songs, which)))
        if len(parts) == 1:
            return parts[0][1]
        found = np.empty((len(sound), *parts[0][1].shape[1:]), dtype=parts[0][1].dtype)
        for which, values in parts:
            found[which] = values
        return found

    def _words(self, row: int | np.integer) -> np.ndarray:
        tokens = self.songs.tokens[row]
        if self.augmentation is None or not self.augmentation.drop_words or len(tokens) <= 2:
            return tokens
        kept = np.random.default_rng([self.seed, self.epoch, row]).random(len(tokens)) >= self.augmentation.drop_words
        kept[[0, -1]] = True
        return tokens[kept]

    def _windows(
        self, rows: np.ndarray, sound: np.ndarray, draws: np.ndarray
    ) -> Num[np.ndarray, "heard windows frames width"]:
        """As stored, with the context that samples need."""
        inputs = self.songs.inputs

        def read(songs: Songs, which: np.ndarray) -> np.ndarray:
            starts = self._starts(songs.n_frames[rows[which]], draws[which])  # (songs, windows)
            store_rows = songs.store_rows[rows[which]].repeat(starts.shape[1])
            found = songs.store.windows(store_rows, starts.ravel(), inputs.window_frames + 2 * inputs.context)
            return found.reshape(*starts.shape, *found.shape[1:])

        return self._by_sound(sound, read)

    def _waveforms(
        self, songs: Batch, windows: np.ndarray, heard: np.ndarray, sound: np.ndarray, draws: np.ndarray
    ) -> WaveformBatch:
        """What `change_spectrograms` does is then left to the device, by the same draws."""
        inputs, masks, louder = self.songs.inputs, np.zeros((len(heard), 0, 2), dtype=np.int64), np.zeros(len(heard))
        if self.augmentation is not None:
            louder = gains(draws, self.augmentation)
            longest = {"max_time": self.augmentation.time_mask, "max_freq": self.augmentation.mel_mask}
            masks = mask_places(draws[:, MASKS], inputs.window_frames, inputs.mel.n_mels, **longest)
        lengths = self._by_sound(sound, lambda of, which: of.n_frames[songs.track_index.numpy()[heard[which]]])
        return WaveformBatch(
            songs=songs,
            rows=torch.from_numpy(windows),
            heard=torch.from_numpy(heard),
            n_frames=torch.from_numpy(lengths),
            masks=torch.from_numpy(masks),
            gains=torch.from_numpy(louder.astype(np.float32)),
            waveforms=inputs.front_end,
        )

    def _starts(self, n_frames: np.ndarray, draws: np.ndarray) -> np.ndarray:
        window = self.songs.inputs.window_frames
        if self.augmentation is None:
            return np.stack([window_starts(n, window, self.songs.inputs.eval_windows) for n in n_frames.tolist()])
        last = np.maximum(n_frames - window, 0)
        return (draws * (last + 1)).astype(np.int64)[:, None]
