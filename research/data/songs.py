"""A corpus as a model reads it: the table joined with its spectrograms or embeddings and its lyrics, tokenised once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from research.features.altered import AlteredSound
from research.features.audio import MelSettings
from research.features.shards import FrontEnd
from research.features.store import MelStore
from research.features.waveforms import Waveforms
from research.labels import LabelSpace, Targets, target_array
from research.tracks import TrackTable

Tokenize = Callable[[Sequence[str]], list[np.ndarray]]
EmbedWords = Callable[[Sequence[str]], np.ndarray]
NO_WORDS = np.zeros(0, dtype=np.int32)


@dataclass(frozen=True, kw_only=True)
class InputConfig:
    mel: MelSettings = MelSettings()
    """Settings of the log-mel spectrogram."""
    window_frames: int = 216
    """Length of the windows a network hears; 216 frames are 5.0 s at the default hop."""
    eval_windows: int = 6
    """Windows per song, evenly spaced, that are averaged in evaluation."""
    max_tokens: int = 512
    """Longer lyrics are truncated here."""
    altered_copies: int = 0
    """Copies of each recording at another pitch, tempo and level that are stored beside it (research.features.altered);
    only used by training with `Augmentation.altered`."""
    stored: Literal["mel", "waveform"] = "mel"
    """What is stored of the audio for a trainable network. waveform: int16 samples, from which the training device
    computes the spectrograms (research.data.waveforms); four times the bytes to store and read."""

    @property
    def front_end(self) -> MelSettings | Waveforms:
        """What makes the store that a trainable network reads."""
        return self.mel if self.stored == "mel" else Waveforms(mel=self.mel)

    @property
    def context(self) -> int:
        """Frames of the store that a window needs before and after its own."""
        return 0 if self.stored == "mel" else Waveforms(mel=self.mel).context


@dataclass(frozen=True)
class Songs:
    """A corpus as a model reads it; arrays are aligned with the rows of `tracks`."""

    tracks: TrackTable
    inputs: InputConfig
    store: MelStore | None
    """Spectrograms, or the samples that become some; None where sound is read as `audio_vectors`, or not at all."""
    store_rows: Int[np.ndarray, " songs"]
    """Row in that store; -1 where a song is not in it."""
    n_frames: Int[np.ndarray, " songs"]
    """Length in spectrogram frames; 0 where a song is not in the store."""
    audio_vectors: Float32[np.ndarray, "songs audio_dim"]
    """Sound through frozen encoders; no columns where the network learns and reads spectrograms."""
    vector_stores: tuple[MelStore, ...]
    """Where each piece of a song has its vector, of which `audio_vectors` are the means; a store an encoder."""
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
    altered: tuple["Songs", ...] = ()
    """The same songs with altered sound and without words, once a copy."""

    @property
    def has_lyrics(self) -> Bool[np.ndarray, " songs"]:
        return np.array([len(ids) > 0 for ids in self.tokens], dtype=bool)

    def stretch_vectors(
        self, rows: Int[np.ndarray, " batch"], share: float, draws: Float[np.ndarray, " batch"]
    ) -> Float32[np.ndarray, "batch audio_dim"]:
        """`audio_vectors` of a random stretch of each song, see `MelStore.stretch_means`."""
        ids = self.tracks.frame["track_id"].iloc[rows].to_list()
        parts = [store.stretch_means(store.rows(ids), share, draws) for store in self.vector_stores]
        return np.hstack(parts) if parts else self.audio_vectors[rows]


def load_songs(
    tracks: TrackTable,
    inputs: InputConfig,
    stores: Sequence[MelStore],
    tokenize: Tokenize | None,
    embed_words: EmbedWords | None = None,
    altered: Sequence[Sequence[MelStore]] = (),
) -> Songs:
    """Join a table with its features; words are read and tokenised here, once.

    Args:
        stores: of this table: the one made with `inputs.front_end`, or those of frozen encoders, whose
            vectors are put side by side, or none to do without sound.
        tokenize: texts to token ids without padding (`research.features.lyrics.tokenize_lyrics` with its tokenizer
            bound), or None to do without words.
        embed_words: texts to vectors by a frozen encoder (`research.embeddings`), or None where it learns.
        altered: stores in the order of `stores`, once for each altered copy.
    """
    ids = list(tracks.frame["track_id"])
    space = LabelSpace(tracks.corpus.labels)
    mel = next((store for store in stores if _front_end(store) == inputs.front_end), None)
    vector_stores = tuple(store for store in stores if store is not mel)
    texts = [tracks.lyrics_text(row) or "" if tokenize else "" for row in range(len(ids))]
    tokens = tokenize(texts) if tokenize else [NO_WORDS] * len(ids)
    nothing = np.zeros((len(ids), 0), dtype=np.float32)
    return Songs(
        tracks=tracks,
        inputs=inputs,
        store=mel,
        store_rows=mel.rows(ids) if mel else np.full(len(ids), -1),
        n_frames=np.maximum(mel.n_frames(ids) - 2 * inputs.context, 0) if mel else np.zeros(len(ids), dtype=np.int64),
        audio_vectors=np.hstack([nothing, *(store.means(ids) for store in vector_stores)]),
        vector_stores=vector_stores,
        has_audio=np.logical_and.reduce([store.rows(ids) >= 0 for store in stores] or [np.zeros(len(ids), bool)]),
        digests=stores[0].digests if stores else {},
        tokens=tokens,
        lyrics_vectors=embed_words(texts) if embed_words else nothing,
        space=space,
        targets=target_array(tracks, space),
        altered=tuple(load_songs(tracks, inputs, copy, tokenize=None) for copy in altered),
    )


def with_labels(songs: Songs, space: LabelSpace) -> Songs:
    """The same songs, asked for other labels."""
    return replace(songs, space=space, targets=target_array(songs.tracks, space))


def _front_end(store: MelStore) -> FrontEnd:
    return store.settings.front_end if isinstance(store.settings, AlteredSound) else store.settings
