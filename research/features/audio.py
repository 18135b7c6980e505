"""Audio files to log-mel spectrograms: any format, rate, number of channels, length or offset.

The values are librosa's, in 60 % of its time, two thirds of which is decoding. librosa itself is not imported, because
its first call compiles for seconds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import scipy.fft
import soundfile
import soxr
from jaxtyping import Float, Float32, Int

from research.features.files import AudioError, AudioFile, open_audio

READ_FRAMES = 65_536
"""Frames decoded, mixed and resampled at a time: half a megabyte in stereo, so that a song of any length or number of
channels never lies in memory at its own rate, and few new pages are asked for."""
PREROLL_FRAMES = 11_520
"""Decoded and dropped before an offset: ten MP3 frames, since the first after a jump lack what earlier ones carry over;
without them the samples at an offset were wrong by up to 0.2 (full scale 1) in low-rate MP3s."""
MIN_TRUNCATED_S = 1.0
"""A file cut short is still a song if at least this much of it decodes."""
MAX_PEAK = 1e6
"""Full scale is 1, unscaled 16-bit integers reach 32,768; beyond this the file holds no sound."""
AMIN = 1e-10
"""Power below which librosa's `power_to_db` stops; silence is -100 dB."""
BLOCK_FRAMES = 64
"""Frames transformed at a time: those of 2,048 samples, half a megabyte, and as much spectrum stay in the L2 cache."""
THREADED_PRODUCT = 2**18
"""Multiplications from which OpenBLAS starts threads, which would get in the way of other workers."""


@dataclass(frozen=True, kw_only=True)
class MelSettings:
    """How sound becomes a log-mel spectrogram. Defaults: librosa's own, those of the 2020 slides."""

    sample_rate: int = 22_050
    """Hz."""
    n_fft: int = 2_048
    """Samples in a window: 93 ms."""
    hop_length: int = 512
    """Samples between frames: 23 ms."""
    n_mels: int = 128
    top_db: float | None = 80.0
    """Range kept below the loudest value of the song, dB; None keeps all of it."""
    mel_scale: Literal["slaney", "htk"] = "slaney"
    """slaney: filters of equal area, librosa's default; htk: of equal height, torchaudio's default."""
    compression: Literal["db", "log10_10k"] = "db"
    """db: 10 log10(power); log10_10k: log10(1 + 10,000 power), of Pons' networks, without a range."""

    @property
    def width(self) -> int:
        """Values a frame."""
        return self.n_mels

    @property
    def dtype(self) -> np.dtype:
        """In which a store keeps them."""
        return np.dtype(np.float16)

    def frames(self, path: Path) -> Float32[np.ndarray, "frames n_mels"]:
        """`load_log_mel`, under the name by which a store asks every front-end."""
        return load_log_mel(path, self)


def load_log_mel(path: Path, settings: MelSettings) -> Float32[np.ndarray, "frames n_mels"]:
    """Log-mel spectrogram of a whole sound file (see `decode` and `log_mel`)."""
    return log_mel(decode(path, settings.sample_rate), settings)


def decode(
    path: Path, sample_rate: int, offset_s: float = 0.0, duration_s: float | None = None, clip: bool = False
) -> Float32[np.ndarray, " samples"]:
    """Read a sound file, or a part of it, as mono at `sample_rate`.

    Channels are averaged and the rate changed by soxr HQ, both as in `librosa.load`. Of a file that was cut short or is
    damaged in the middle, what decodes before that point is kept if it lasts `MIN_TRUNCATED_S`: an interrupted download
    still sounds like the song.

    Args:
        sample_rate: rate of the result, Hz.
        offset_s: where to start, seconds; only the part asked for is decoded.
        duration_s: how much to read, seconds; None reads to the end. Less is returned where the song ends before.
        clip: cut samples beyond full scale, as players and 16-bit files do (librosa does not); loud MP3s hold such.

    Raises:
        AudioError: missing, not audio, empty, cut short to almost nothing, not finite, or over before `offset_s`.
    """
    with open_audio(path) as file:
        return decode_part(file, path, sample_rate, offset_s, duration_s, clip)


def decode_part(
    file: AudioFile,
    path: Path,
    sample_rate: int,
    offset_s: float = 0.0,
    duration_s: float | None = None,
    clip: bool = False,
) -> Float32[np.ndarray, " samples"]:
    """`decode` of a file that is open already, for several parts in their order."""
    return _joined(_mono_blocks(path, file, offset_s, duration_s, clip), file.samplerate, sample_rate)


def log_mel(samples: Float32[np.ndarray, " samples"], settings: MelSettings) -> Float32[np.ndarray, "frames n_mels"]:
    """Mel power spectrogram in dB, a row a frame, `1 + samples // hop_length` frames.

    By default equals `librosa.power_to_db(librosa.feature.melspectrogram(...), ref=1.0, top_db=settings.top_db).T`:
    zero-padded centred frames, periodic Hann window, Slaney's mel scale and area norm; 0 dB is power 1.
    """
    padded = np.pad(samples, settings.n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, settings.n_fft)[:: settings.hop_length]
    window = (np.sin(np.pi / settings.n_fft * np.arange(settings.n_fft)) ** 2).astype(np.float32)  # periodic Hann
    bands = _mel_bands(settings)
    mel = np.empty((len(frames), settings.n_mels), np.float32)
    windowed = np.empty((BLOCK_FRAMES, settings.n_fft), np.float32)
    for start in range(0, len(frames), BLOCK_FRAMES):
        block = frames[start : start + BLOCK_FRAMES]
        spectrum = scipy.fft.rfft(np.multiply(block, window, out=windowed[: len(block)]), workers=1, overwrite_x=True)
        power = np.abs(spectrum)  # faster than a sum of squares: NumPy has it in vector instructions
        power *= power  # (block, bins)
        for mels, bins, weights in bands:
            mel[start : start + BLOCK_FRAMES, mels] = power[:, bins] @ weights
    if settings.compression == "log10_10k":
        return np.log10(1 + 10_000 * mel)
    decibels = 10 * np.log10(np.maximum(mel, AMIN, out=mel), out=mel)
    if settings.top_db is None:
        return decibels
    return np.maximum(decibels, decibels.max() - settings.top_db, out=decibels)


def window_starts(n_frames: int, window_frames: int, count: int) -> Int[np.ndarray, " count"]:
    """First frames of `count` windows spread evenly over a song; all 0 where the song is no longer than the window."""
    return np.linspace(0, max(n_frames - window_frames, 0), count).round().astype(np.int64)


def mel_filters(settings: MelSettings) -> Float32[np.ndarray, "n_mels bins"]:
    """Triangular mel filters over the bins of the FFT.

    Source: Slaney 1998, Auditory Toolbox, and the HTK book; equals `librosa.filters.mel`, for the latter with
    `htk=True, norm=None`.
    """
    edges = _mel_edges(settings)
    widths = np.diff(edges)
    ramps = edges[:, None] - np.fft.rfftfreq(settings.n_fft, 1 / settings.sample_rate)  # (n_mels + 2, bins)
    rising, falling = -ramps[:-2] / widths[:-1, None], ramps[2:] / widths[1:, None]
    triangles = np.maximum(0, np.minimum(rising, falling))
    if settings.mel_scale == "slaney":
        triangles /= (edges[2:, None] - edges[:-2, None]) / 2
    return triangles.astype(np.float32)


def band_centres(settings: MelSettings) -> Float[np.ndarray, " n_mels"]:
    """Frequency at the peak of each mel filter, Hz."""
    return _mel_edges(settings)[1:-1]


def _mono_blocks(
    path: Path, file: AudioFile, offset_s: float, duration_s: float | None, clip: bool
) -> Iterator[Float32[np.ndarray, " samples"]]:
    """The part asked for, as the mean of all channels, at the file's own rate."""
    rate, start = file.samplerate, round(offset_s * file.samplerate)
    if not 0 <= start < file.frames:
        raise AudioError(
            f"{path} lasts {file.frames / rate:g} s, nothing to read from {offset_s:g} s on; check file and offset"
        )
    promised = file.frames - start
    if duration_s is not None:
        promised = min(promised, round(duration_s * rate))
    preroll = min(start, PREROLL_FRAMES)
    if start:
        file.seek(start - preroll)
    n_read = -preroll
    for block in _read_blocks(file, preroll + promised, clip):
        asked, n_read = block[max(0, -n_read) :], n_read + len(block)
        # A comparison with NaN is false, so this one line refuses NaN, infinity and garbage.
        if not max(asked.max(initial=0), -asked.min(initial=0)) < MAX_PEAK:
            raise AudioError(f"{path} holds samples that are not finite or beyond {MAX_PEAK:g}; export it again")
        yield asked
    if n_read < min(promised, MIN_TRUNCATED_S * rate) or n_read <= 0:
        decoded_s, promised_s = max(0, n_read) / rate, promised / rate
        raise AudioError(f"{path} is cut short: only {decoded_s:.2f} s of {promised_s:.2f} s decode; download it again")


def _read_blocks(file: AudioFile, n_frames: int, clip: bool) -> Iterator[Float32[np.ndarray, " samples"]]:
    """The next `n_frames`, or as many as decode, as the mean of all channels. A block is valid until the next."""
    read = np.empty((min(READ_FRAMES, n_frames), file.channels), np.float32)
    mixed = np.empty(len(read), np.float32)
    while n_frames > 0:
        try:
            block = file.read(n_frames, out=read[:n_frames])
        except soundfile.LibsndfileError:  # Damaged from here on: the caller judges it like a file that ends here.
            return
        if not len(block):
            return
        if clip:
            np.clip(block, -1, 1, out=block)
        # Column by column: NumPy's mean over a short last axis takes as long as decoding the MP3.
        mean = mixed[: len(block)]
        np.add(block[:, 0], block[:, 1] if file.channels > 1 else 0, out=mean)
        for channel in block.T[2:]:
            mean += channel
        if file.channels > 1:
            mean /= file.channels
        yield mean
        n_frames -= len(block)


def _joined(
    blocks: Iterator[Float32[np.ndarray, " samples"]], source_rate: int, sample_rate: int
) -> Float32[np.ndarray, " samples"]:
    """Blocks one after another, at `sample_rate`: the bits that soxr gives in one go."""
    if source_rate == sample_rate:
        return np.concatenate([block.copy() for block in blocks])
    stream, n_read, resampled = soxr.ResampleStream(source_rate, sample_rate, 1, quality="HQ"), 0, []
    for block in blocks:
        n_read += len(block)
        resampled.append(stream.resample_chunk(block))
    resampled.append(stream.resample_chunk(np.empty(0, np.float32), last=True))
    # librosa's length; soxr rounds down where a fraction of a sample is left.
    n_samples = -(-n_read * sample_rate // source_rate)
    joined = np.concatenate(resampled)[:n_samples]
    return np.pad(joined, (0, n_samples - len(joined))) if len(joined) < n_samples else joined


def _mel_edges(settings: MelSettings) -> np.ndarray:
    """Corner frequencies of the filters, Hz: evenly spaced in mel; Slaney's scale is linear to 1 kHz."""
    if settings.mel_scale == "htk":
        mels = np.linspace(0, np.log10(1 + settings.sample_rate / 1_400), settings.n_mels + 2)
        return 700 * (10**mels - 1)
    linear_hz, break_hz, log_step = 200 / 3, 1_000.0, np.log(6.4) / 27
    break_mel = break_hz / linear_hz
    top_hz = settings.sample_rate / 2
    top_mel = break_mel + np.log(top_hz / break_hz) / log_step if top_hz > break_hz else top_hz / linear_hz
    mels = np.linspace(0, top_mel, settings.n_mels + 2)
    return np.where(mels < break_mel, mels * linear_hz, break_hz * np.exp(log_step * (mels - break_mel)))


@cache
def _mel_bands(settings: MelSettings) -> list[tuple[slice, slice, np.ndarray]]:
    # A mel filter covers few of the FFT's bins: neighbours together, each over its own bins, save 5/6 of the product.
    filters, edges = mel_filters(settings), _mel_edges(settings)
    hertz = np.fft.rfftfreq(settings.n_fft, 1 / settings.sample_rate)
    ends = np.searchsorted(hertz, edges)
    bands, first = [], 0
    while first < settings.n_mels:
        widths = ends[first + 2 :] - ends[first]  # bins from the first filter on, by the last one
        products = BLOCK_FRAMES * widths * np.arange(1, len(widths) + 1)
        last = first + max(1, int(np.searchsorted(products, THREADED_PRODUCT, side="right")))
        bins = slice(int(ends[first]), int(ends[last + 1]))
        bands.append((slice(first, last), bins, np.ascontiguousarray(filters[first:last, bins].T)))
        first = last
    return bands
