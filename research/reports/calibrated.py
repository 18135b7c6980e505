"""Calibration of each model's probabilities, before and after temperature scaling."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from scipy.special import softmax

from research.evaluation.calibration import (
    brier_score,
    expected_calibration_error,
    negative_log_likelihood,
    risk_coverage,
    top_confidence,
)
from research.reports.formats import NONE, share
from research.reports.scores import ModelScore

HALF = 0.5


@dataclass(frozen=True)
class Calibration:
    """One way of reading a model's logits; means over seeds."""

    calibration_error: float
    brier: float
    likelihood_loss: float
    """Nats a song."""


@dataclass(frozen=True)
class CalibrationScore:
    """A model's calibration; None for what needs validation songs that it had not."""

    model: str
    protocol: str
    raw: Calibration
    scaled: Calibration | None
    """Logits divided by the temperature of the run's validation songs."""
    temperature: float | None
    """Mean over runs, weighted by their songs."""
    risk_area: float
    """Area under the risk-coverage curve."""
    accuracy_of_surest_half: float
    answered: float | None
    """Share of songs answered when each run withholds answers until its errors on validation halve."""
    accuracy_of_answered: float | None
    """None too where nothing is answered."""


def score_calibration(score: ModelScore) -> CalibrationScore:
    """Calibration of one model on its test songs."""
    known = has_temperature(score)
    confidence, correct = confidences(score), correct_answers(score)
    curves = [risk_coverage(*seed) for seed in zip(confidence, correct, strict=True)]
    answered = confidence >= score.thresholds
    return CalibrationScore(
        model=score.name,
        protocol=score.protocol,
        raw=_calibration(score, np.ones_like(score.temperatures)),
        scaled=_calibration(score, score.temperatures) if known else None,
        temperature=float(score.temperatures.mean()) if known else None,
        risk_area=float(np.mean([curve.area for curve in curves])),
        accuracy_of_surest_half=float(np.mean([curve.accuracy_at(HALF) for curve in curves])),
        answered=float(answered.mean()) if known else None,
        accuracy_of_answered=float(correct[answered].mean()) if known and answered.any() else None,
    )


def confidences(score: ModelScore, scaled: bool = True) -> Float[np.ndarray, "seeds songs"]:
    """Probability of each answer, with the temperature where there is one unless `scaled` is False."""
    use = scaled and has_temperature(score)
    temperatures = score.temperatures if use else np.ones_like(score.temperatures)
    return np.stack([top_confidence(*seed) for seed in zip(score.logits, temperatures, strict=True)])


def probabilities(score: ModelScore) -> Float[np.ndarray, "seeds songs labels"]:
    """With the temperature where there is one."""
    temperatures = score.temperatures if has_temperature(score) else np.ones_like(score.temperatures)
    return softmax(score.logits.astype(float) / temperatures[..., None], axis=-1)


def correct_answers(score: ModelScore) -> Bool[np.ndarray, "seeds songs"]:
    return score.predictions == score.targets


def has_temperature(score: ModelScore) -> bool:
    return bool(np.isfinite(score.temperatures).all())


def calibration_table(found: Sequence[CalibrationScore]) -> pd.DataFrame:
    """As printed; "a -> b" is without and with the temperature T.

    ECE is the expected calibration error, AURC the area under the risk-coverage curve.
    """
    rows = [
        (
            row.model,
            row.protocol,
            NONE if row.temperature is None else f"{row.temperature:.2f}",
            *(_arrow(row, name) for name in ("calibration_error", "brier", "likelihood_loss")),
            share(row.risk_area),
            share(row.accuracy_of_surest_half),
            NONE if row.answered is None else f"{100 * row.answered:.0f} %",
            NONE if row.accuracy_of_answered is None else share(row.accuracy_of_answered),
        )
        for row in found
    ]
    header = ["model", "protocol", "T", "ECE", "Brier", "log loss", "AURC", "surest half", "answered", "accuracy there"]
    return pd.DataFrame(rows, columns=header)


def _calibration(score: ModelScore, temperatures: np.ndarray) -> Calibration:
    by_seed = []
    for logits, temperature, right in zip(
        score.logits.astype(float), temperatures, correct_answers(score), strict=True
    ):
        scaled = logits / temperature[:, None]
        by_seed.append(
            (
                expected_calibration_error(top_confidence(scaled), right),
                brier_score(softmax(scaled, axis=1), score.targets),
                negative_log_likelihood(scaled, score.targets),
            )
        )
    return Calibration(*np.mean(by_seed, axis=0).tolist())


def _arrow(row: CalibrationScore, name: str) -> str:
    raw = share(getattr(row.raw, name))
    return raw if row.scaled is None else f"{raw} \N{RIGHTWARDS ARROW} {share(getattr(row.scaled, name))}"
