"""What a model says of a song."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A stretch of a song, judged alone."""

    start_s: float
    end_s: float
    probabilities: dict[str, float]
    """Of each mood."""


@dataclass(frozen=True, kw_only=True)
class MoodPrediction:
    """The answer for one song."""

    probabilities: dict[str, float]
    """Calibrated probability of each mood, in the model's label order; empty where the model knows tags alone."""
    tags: dict[str, float]
    """Probability of each tag; empty where the model learned none."""
    given_tags: tuple[str, ...]
    """Tags whose probability reaches the threshold that was best on validation songs."""
    fits: bool
    """A mood fits: the model is surer than where it only guesses, and the sound is music like what it knows."""
    unlikeness: float | None
    """How far the sound is from the training songs', standard deviations (root mean square); None: not heard."""
    variation_db: float | None
    """How much the sound changes over time; noise 2, music 6 and more. None: not heard."""
    position: tuple[float, float] | None
    """Valence and arousal, -1 to 1; None where a mood has no quadrant in Russell's plane."""
    shares: dict[str, float]
    """How much "sound" and "words" moved the answer; they sum to 1."""
    curve: tuple[Moment, ...]
    """Mood over time; empty where only words were judged."""
    duration_s: float | None
    """Of the sound."""
    language: str | None
    """Of the words, ISO 639-1; None where there are none or it stays undecided."""
    heard: bool
    """The sound was judged."""
    read: bool
    """The words were judged."""

    @property
    def mood(self) -> str | None:
        """The most likely mood, whether it fits or not; None where the model knows none."""
        return max(self.probabilities, key=self.probabilities.__getitem__, default=None)

    @property
    def confidence(self) -> float:
        """Probability that the mood is right, as far as validation songs tell; 0 where the model knows none."""
        return max(self.probabilities.values(), default=0.0)

    def drawn_curve(self) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, "points moods"]]:
        """The mood over time as it is drawn: seconds, and each mood's probability then. A moment stands in its middle,
        the first and the last reach to the ends of the song.

        Raises:
            ValueError: there is no mood over time.
        """
        if not self.curve:
            raise ValueError("there is no mood over time without sound, or without moods; give a sound file")
        shares = np.array([list(moment.probabilities.values()) for moment in self.curve])
        middles = [(moment.start_s + moment.end_s) / 2 for moment in self.curve]
        return np.array([0.0, *middles, self.duration_s]), np.concatenate([shares[:1], shares, shares[-1:]])

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {"mood": self.mood, "confidence": self.confidence, **asdict(self)}
