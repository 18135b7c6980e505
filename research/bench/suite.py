"""All keys, measured one after another, and their report: a table to read, JSON to compare machines with."""

import datetime
import os
import platform
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from research.bench.features import (
    logmel_vs_librosa,
    logmel_vs_slides,
    part_vs_whole,
    picture_vs_figure,
    store_vs_librosa,
)
from research.bench.inference import folder_vs_parts, predict_vs_slides, song_vs_clip
from research.bench.inputs import input_vs_jpg
from research.bench.material import Material, Size
from research.bench.measurement import Measurement
from research.bench.pairs import Spread
from research.bench.startup import help_vs_python
from research.bench.training import model1_vs_slides, train_vs_slides
from research.bench.words import lyrics_vs_padded
from research.reports.formats import markdown_table
from research.runs import environment, git_commit
from research.training.machine import on_cpu

GPU = "" if on_cpu() else "gpu_"
BENCHMARKS: dict[Callable[[Material], list[Measurement]], tuple[str, ...]] = {
    logmel_vs_slides: ("logmel_vs_slides",),
    logmel_vs_librosa: ("logmel_vs_librosa", "logmel_max_db"),
    store_vs_librosa: ("store_vs_librosa",),
    part_vs_whole: ("part_vs_whole", "part_max_error"),
    picture_vs_figure: ("picture_vs_figure",),
    input_vs_jpg: ("input_vs_jpg",),
    train_vs_slides: ("train_vs_slides", f"{GPU}train_share_of_peak", f"{GPU}input_share"),
    model1_vs_slides: ("model1_vs_slides",),
    lyrics_vs_padded: ("lyrics_vs_padded",),
    predict_vs_slides: ("predict_vs_slides",),
    song_vs_clip: ("song_vs_clip",),
    folder_vs_parts: ("folder_vs_parts",),
    help_vs_python: ("help_vs_python",),
}
"""What measures which keys."""
FULL = Size()
HEADER = ("key", "wall", "CPU", "target", "ours", "reference", "share of limit")


def measure(only: Sequence[str] = (), source: Path | None = None, size: Size = FULL) -> Iterator[Measurement]:
    """Measure keys, in their order here.

    Args:
        only: keys; none stands for all.
        source: folder of real songs; None makes clips.

    Raises:
        ValueError: an unknown key, or no usable sound in `source`.
    """
    known = [key for keys in BENCHMARKS.values() for key in keys]
    if unknown := sorted({*only} - {*known}):
        raise ValueError(f"no key {', '.join(unknown)}; there are {', '.join(known)}")
    wanted = {*(only or known)}
    with tempfile.TemporaryDirectory(prefix="mood-bench-") as folder:
        material = Material(Path(folder), size, source)
        for benchmark, keys in BENCHMARKS.items():
            if wanted.intersection(keys):
                yield from (found for found in benchmark(material) if found.key in wanted)


def machine() -> dict[str, object]:
    """Where and when a number was measured."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        **environment(),
        "load": os.getloadavg()[0],
        "commit": git_commit(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def report(found: Sequence[Measurement], where: dict[str, object]) -> dict[str, object]:
    """Everything as JSON values."""
    return {"machine": where, "keys": {one.key: {**asdict(one), "met": one.met} for one in found}}


def table(found: Sequence[Measurement]) -> list[str]:
    """Lines of a Markdown table: medians with quartiles; a mark where a target is missed."""
    rows = [
        (
            one.key,
            _spread(one.value, one.unit),
            "" if one.cpu is None else _spread(one.cpu, one.unit),
            f"{'<=' if one.at_most else '>='} {one.target:g}{'' if one.met else ' MISSED'}",
            one.ours,
            one.reference,
            one.limit if one.limit_share is None else f"{one.limit_share.median:.2f} of {one.limit}",
        )
        for one in found
    ]
    return markdown_table(HEADER, rows)


def _spread(value: Spread, unit: str) -> str:
    suffix = "" if unit in ("x", "share") else f" {unit}"
    return f"{value.median:.3g} [{value.low:.3g}, {value.high:.3g}]{suffix}"


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
