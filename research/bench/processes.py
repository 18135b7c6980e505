"""Weak scaling: every process trains on as many songs as one alone does.

Run: python -m research.bench.processes
and: accelerate launch --config_file experiments/two_processes.yaml -m research.bench.processes
with OMP_NUM_THREADS=1 both times, and divide: the second is twice the first if processes do not slow each other
down.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import tyro

from research.bench.inputs import INPUTS, sound_songs
from research.bench.material import LABELS, Material, Size
from research.bench.pairs import spread
from research.bench.training import SOUND, TRAIN, VALID, fit_epoch
from research.models.classifier import MoodClassifier
from research.training.machine import process_state


@dataclass(frozen=True, kw_only=True)
class Config:
    songs: int = 128
    """Of an epoch, for each process."""
    rounds: int = 5
    size: Size = Size(clip_s=10.0, song_s=10.0, tracks=6)


def songs_per_second(config: Config, n_processes: int, wait: Callable[[], None]) -> list[float]:
    """Of all processes together, in each round: `fit` on 5 s windows, an epoch from end to end.

    Args:
        wait: until every process has come as far.
    """
    with TemporaryDirectory(prefix="mood-bench-") as folder:
        material = Material(Path(folder), replace(config.size, epoch=config.songs * n_processes))
        train, valid = sound_songs(material), sound_songs(material, VALID)
        model = MoodClassifier(SOUND, n_labels=len(LABELS), n_mels=INPUTS.mel.n_mels)
        epoch = partial(fit_epoch, model, train, valid, TRAIN)
        epoch()
        return [len(train) / _seconds(epoch, wait) for _ in range(config.rounds)]


def _seconds(run: Callable[[], None], wait: Callable[[], None]) -> float:
    wait()
    start = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - start


if __name__ == "__main__":
    processes = process_state()
    rates = spread(songs_per_second(tyro.cli(Config), processes.num_processes, processes.wait_for_everyone))
    if processes.is_main_process:
        print(f"{processes.num_processes} processes: {rates.median:.1f} [{rates.low:.1f}, {rates.high:.1f}] songs/s")
