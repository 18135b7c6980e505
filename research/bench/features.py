"""Audio to spectrogram, spectrogram to picture: against librosa, matplotlib and the slides' whole pipeline."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import soundfile

from research.bench import slides
from research.bench.limits import decode_only
from research.bench.material import Material
from research.bench.measurement import Measurement, times_faster, worst
from research.bench.pairs import Side, interleave
from research.features.audio import MelSettings, decode, load_log_mel
from research.features.building import build_store
from research.features.picture import save_jpg, song_picture

Item = TypeVar("Item")
MEL = MelSettings()
WORKERS = 2
PART_S = 5.0


def logmel_vs_slides(material: Material) -> list[Measurement]:
    folder, clips = material.new_folder("slides"), material.clips.short
    sides = {
        "ours": _each(clips, lambda clip: load_log_mel(clip, MEL)),
        "reference": _each(clips, lambda clip: slides.clip_to_jpg(clip, folder)),
        "limit": decode_only(clips, len(clips)),
    }
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="logmel_vs_slides",
            target=12,
            ours="file to log-mel",
            reference="mp3, wav, librosa, figure, JPG",
            limit="decode only",
        )
    ]


def logmel_vs_librosa(material: Material) -> list[Measurement]:
    clips = material.clips.short
    sides = {
        "ours": _each(clips, lambda clip: load_log_mel(clip, MEL)),
        "reference": _each(clips, slides.librosa_log_mel),
        "limit": decode_only(clips, len(clips)),
    }
    rounds = interleave(sides, material.size.rounds)
    ours, reference = "file to log-mel", "librosa.load by soxr_hq, melspectrogram, power_to_db"
    return [
        times_faster(rounds, key="logmel_vs_librosa", target=1.9, ours=ours, reference=reference, limit="decode only"),
        worst(
            "logmel_max_db",
            [_largest_difference(clip) for clip in clips],
            target=0.001,
            unit="dB",
            ours=ours + ", all mel bands, every clip",
            reference=reference,
        ),
    ]


def store_vs_librosa(material: Material) -> list[Measurement]:
    """The feature store on several cores, files to frames on disk, against librosa on one."""
    tracks, clips = material.tracks, material.clips.short

    def build() -> None:
        build_store(tracks, material.new_folder("store"), MEL, workers=WORKERS)

    sides = {
        "ours": Side(build, len(tracks)),
        "reference": _each(clips, slides.librosa_log_mel),
        "limit": decode_only(clips, len(clips) * min(WORKERS, os.cpu_count() or 1)),
    }
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="store_vs_librosa",
            target=3.2,
            ours=f"feature store, {WORKERS} processes",
            reference="librosa, song after song",
            limit=f"decode only, on {WORKERS} cores",
            cpu=False,  # the workers' CPU time is theirs until they end, and it is not what two cores save
        )
    ]


def part_vs_whole(material: Material) -> list[Measurement]:
    """A few seconds out of a song, at the song's own rate: what is read must be what the whole holds there."""
    song = material.clips.song
    info = soundfile.info(song)
    starts_s = [share * (info.duration - PART_S) for share in (0.25, 0.5, 0.75)]
    read = partial(decode, song, info.samplerate)
    sides = {
        "ours": _each(starts_s, lambda start_s: read(offset_s=start_s, duration_s=PART_S)),
        "reference": Side(read),
        "limit": Side(lambda: _read_start(song)),
    }
    whole, errors = read(), []
    for start_s in starts_s:
        part, first = read(offset_s=start_s, duration_s=PART_S), round(start_s * info.samplerate)
        errors.append(float(np.abs(part - whole[first : first + len(part)]).max()))
    ours, reference = f"{PART_S:g} s of a song of {info.duration:.0f} s", "the whole song"
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="part_vs_whole",
            target=15,
            ours=ours,
            reference=reference,
            limit=f"decode only, the first {PART_S:g} s",
        ),
        # The decoder's sums start elsewhere: float32 rounding at full scale.
        worst("part_max_error", errors, target=1e-6, unit="full scale", ours=ours, reference=reference),
    ]


def picture_vs_figure(material: Material) -> list[Measurement]:
    mel, folder = load_log_mel(material.clips.short[0], MEL), material.new_folder("pictures")
    upright, picture = np.ascontiguousarray(mel.T), song_picture(mel, MEL)
    sides = {
        "ours": Side(lambda: save_jpg(song_picture(mel, MEL), folder / "ours.jpg")),
        "reference": Side(lambda: slides.draw(upright, folder / "figure.jpg")),
        "limit": Side(lambda: save_jpg(picture, folder / "limit.jpg")),
    }
    return [
        times_faster(
            interleave(sides, material.size.rounds),
            key="picture_vs_figure",
            target=10,
            ours="spectrogram to JPG",
            reference="specshow on a matplotlib figure, savefig",
            limit="JPG encoding only",
        )
    ]


def _each(items: Sequence[Item], run: Callable[[Item], object]) -> Side:
    """The same of several things, one of them being the unit of work."""
    return Side(lambda: [run(item) for item in items], len(items))


def _largest_difference(clip: Path) -> float:
    expected = slides.librosa_log_mel(clip, ref=1.0)
    return float(np.abs(load_log_mel(clip, MEL) - expected.T).max())


def _read_start(song: Path) -> np.ndarray:
    with soundfile.SoundFile(song) as file:
        return file.read(round(PART_S * file.samplerate), dtype="float32")
