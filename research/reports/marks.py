"""Caveats of a model's score: a mark beside its name, a sentence in the notes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from research.reports.predictions import Run


class Mark(StrEnum):
    """Signs in the order in which papers use them."""

    ONE_SEED = "\N{DAGGER}"
    CHOSEN_ON_TEST = "\N{DOUBLE DAGGER}"
    LEAK = "\N{SECTION SIGN}"
    MET_LABELS = "\N{DOUBLE VERTICAL LINE}"
    INCOMPLETE = "\N{PILCROW SIGN}"
    MIXED = "#"


MEANINGS = {
    Mark.ONE_SEED: "one seed: the noise of training is not measured",
    Mark.CHOSEN_ON_TEST: "optimistic: the best epoch was picked on the test songs",
    Mark.LEAK: "artists of test songs also stand in training or validation",
    Mark.MET_LABELS: "optimistic: an audio encoder learned from the source of the labels",
    Mark.INCOMPLETE: "runs are missing or unfinished",
    Mark.MIXED: "its runs differ in settings",
}
UNFAIR = frozenset({Mark.CHOSEN_ON_TEST, Mark.LEAK, Mark.MET_LABELS})
"""Scores that come out too high: never set in bold, nor what others are compared with as long as there is another."""

COMPARED_SETTINGS = ("model", "train", "inputs")
PER_RUN_SETTINGS = frozenset({"train.seed"})


def selection_notes(runs: Sequence[Run]) -> dict[Mark, str]:
    """Was the epoch picked on the test songs?"""
    if all(run.config.get("selected_on") != "test" for run in runs):
        return {}
    return {Mark.CHOSEN_ON_TEST: "OPTIMISTIC: the best epoch was picked on the test songs"}


def member_sentences(runs: Sequence[Run]) -> list[str]:
    """Which members of an ensemble are the same in all of its seeds? They take part without the noise of training."""
    names = sorted({name for run in runs for name in run.config.get("in_every_seed", ())})
    return [f"the one seed of {', '.join(names)} is in each of them"] if names else []


def label_sentences(configs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which encoders of these runs learned from the source of the labels?"""
    names = sorted({name for config in configs for name in config.get("met_labels", ())})
    return [f"OPTIMISTIC: {', '.join(names)} learned from the source of the labels"] if names else []


def leak_notes(runs: Sequence[Run]) -> dict[Mark, str]:
    """How many test songs are by an artist of the validation songs, or of another fold, which is trained on.

    With all folds of a cross-validation at hand the count is exact; of an official split only validation songs are
    known here, so there are at least as many.
    """
    leaking, tested = Counter(), Counter()  # by seed
    for run in runs:
        others = [other.predictions for other in runs if _trains_on(run, other)]
        # Where the epoch was picked on the test songs, they are the validation songs: marked, but no leak of artists.
        apart = [] if run.config.get("selected_on") == "test" else [run.validation]
        seen = {artist for frame in (*apart, *others) for artist in frame["artist"]}
        tested[run.config["seed"]] += len(run.predictions)
        leaking[run.config["seed"]] += int(run.predictions["artist"].isin(seen).sum())
    if not leaking.total():
        return {}
    folds = {run.config["fold"] for run in runs}
    at_least = "" if len(folds) == runs[0].config["n_folds"] > 1 else "at least "
    counts = " to ".join(str(count) for count in dict.fromkeys([min(leaking.values()), max(leaking.values())]))
    return {
        Mark.LEAK: f"LEAK: {at_least}{counts} of {max(tested.values())} test songs are by artists of training or "
        "validation songs"
    }


def settings_notes(runs: Sequence[Run]) -> dict[Mark, str]:
    """Which settings differ between runs that go by one name?"""
    flat = [flat_settings(run.config) for run in runs]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    values = {key: sorted({str(settings.get(key)) for settings in flat}) for key in keys}
    different = [f"{key} ({', '.join(found)})" for key, found in values.items() if len(found) > 1]
    return {Mark.MIXED: f"its runs differ in {', '.join(different)}"} if different else {}


def flat_settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of model, training and inputs by dotted name, without the seed."""
    found = {key: value for part in COMPARED_SETTINGS for key, value in _flat(part, config.get(part))}
    return {key: value for key, value in found.items() if key not in PER_RUN_SETTINGS and value is not None}


def _trains_on(run: Run, other: Run) -> bool:
    same_split = run.config["seed"] == other.config["seed"] and run.config["protocol"] == other.config["protocol"]
    return same_split and run.config["fold"] != other.config["fold"]


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{key}.{name}", inner)
    else:
        yield key, value
