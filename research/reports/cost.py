"""What training cost: time, parameters, memory, and an estimate of the energy."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from research.reports.document import Table
from research.reports.formats import NONE
from research.reports.scores import ModelScore

CORE_W = 12.0
"""Assumed draw of a busy CPU core: the upper end, for makers' limits over cores give some 4 to 12 W."""
MEMORY_W_GB = 0.3725
"""Draw of memory, W a GB. Source: Karyakin & Salem 2017, as taken by Lannelongue et al. 2021."""
GPU_W = {"H200": 700.0, "H100": 700.0, "A100": 400.0, "V100": 300.0, "L4": 72.0, "T4": 70.0}
"""Maker's power limit by what a device's name holds, of the largest board of that name."""
HOUR_S = 3600.0


def energy_wh(result: Mapping[str, Any], environment: Mapping[str, Any], processes: int = 1) -> float | None:
    """Estimated energy of one training in Wh: time x (cores x W a core, or the GPU's W, + GB of memory x W a GB), of
    each of its processes.

    Every device is taken as fully busy, cooling and idle time are left out. None where time, threads or memory were not
    recorded, or the GPU is not a known one.

    Source: Lannelongue, Grealey & Inouye 2021, "Green Algorithms: quantifying the carbon footprint of computation",
    with a usage and a power usage effectiveness of 1.
    """
    seconds, memory_gb, threads = result.get("train_s"), result.get("peak_memory_gb"), environment.get("threads")
    if seconds is None or memory_gb is None or threads is None:
        return None
    device = str(environment.get("device", ""))
    watts = CORE_W * threads
    if "NVIDIA" in device:
        known = [limit for name, limit in GPU_W.items() if name in device]
        if not known:
            return None
        watts = known[0]
    return processes * seconds / HOUR_S * (watts + MEMORY_W_GB * memory_gb)


def cost_table(scores: Sequence[ModelScore]) -> Table:
    """One row a model: all its scored runs together."""
    rows = []
    for score in scores:
        first = score.results[0]
        epochs = sorted({result["epochs"] for result in score.results if "epochs" in result})
        memory = [result["peak_memory_gb"] for result in score.results if "peak_memory_gb" in result]
        where = score.config.get("environment", {}), score.config.get("processes", 1)
        energy = [energy_wh(result, *where) for result in score.results]
        rows.append(
            (
                score.name,
                score.protocol,
                str(len(score.folders)),
                NONE if score.train_s is None else f"{score.train_s / 60:.1f}",
                " to ".join(map(str, dict.fromkeys([epochs[0], epochs[-1]]))) if epochs else NONE,
                *(f"{first[key]:,}" if key in first else NONE for key in ("parameters", "trained_parameters")),
                f"{max(memory):.1f}" if memory else NONE,
                NONE if None in energy else f"{sum(energy):,.2f}",
            )
        )
    header = ["model", "protocol", "runs", "minutes, all", "epochs", "parameters", "of them learning", "memory, GB"]
    return Table(pd.DataFrame(rows, columns=[*header, "energy, Wh"]), _caption(scores), "tab:cost")


def _caption(scores: Sequence[ModelScore]) -> str:
    frozen = [score.name for score in scores if _reads_frozen_vectors(score.config)]
    not_counted = (
        f" Of {', '.join(dict.fromkeys(frozen))}: what learns alone; the vectors of frozen encoders were computed once "
        "before, which neither time nor parameters nor energy count."
        if frozen
        else ""
    )
    return (
        "What training cost on the machine of the runs, all runs of a model together; the most memory of its process. "
        f"Energy is an estimate, time x (threads x {CORE_W:g} W, or the GPU's limit, + memory x {MEMORY_W_GB} W a GB) "
        f"x processes, as if all were busy all the time and without cooling (Lannelongue et al. 2021).{not_counted}"
    )


def _reads_frozen_vectors(config: Mapping[str, Any]) -> bool:
    model = config.get("model") or {}
    audio, lyrics = model.get("audio") or {}, model.get("lyrics") or {}
    return bool(audio.get("frozen")) or lyrics.get("trainable_layers") == 0
