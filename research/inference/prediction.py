"""A model's answer for a song."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A segment of a song, judged alone."""

    start_s: float
    end_s: float
    probabilities: dict[str, float]
    """Of each mood."""


@dataclass(frozen=True, kw_only=True)
class MoodPrediction:
    """The answer for one song."""

    probabilities: dict[str, float]
    """Calibrated probability of each mood, in the model's label order; empty if the model knows only tags."""
    tags: dict[str, float]
    """Probability of each tag; empty if the model learned none."""
    given_tags: tuple[str, ...]
    """Tags whose probability reaches the threshold that was best on validation songs."""
    fits: bool
    """A mood fits: the model is more confident than when it guesses, and the audio is music like its training songs."""
    unlikeness: float | None
    """Distance of the audio from the training songs, standard deviations (root mean square); None: no audio."""
    variation_db: float | None
    """How much the audio changes over time; noise 2, music 6 and more. None: no audio."""
    position: tuple[float, float] | None
    """Valence and arousal, -1 to 1; None if a mood has no quadrant in Russell's plane."""
    shares: dict[str, float]
    """How much "audio" and "lyrics" moved the answer; they sum to 1."""
    curve: tuple[Moment, ...]
    """Mood over time; empty if only lyrics were judged."""
    duration_s: float | None
    """Length of the audio."""
    language: str | None
    """Language of the lyrics, ISO 639-1; None if there are none or it is undecided."""
    heard: bool
    """The audio was judged."""
    read: bool
    """The lyrics were judged."""

    @property
    def mood(self) -> str | None:
        """The most likely mood, whether it fits or not; None if the model knows none."""
        return max(self.probabilities, key=self.probabilities.__getitem__, default=None)

    @property
    def confidence(self) -> float:
        """Probability that the mood is right, calibrated on validation songs; 0 if the model knows no moods."""
        return max(self.probabilities.values(), default=0.0)

    @property
    def moved_by(self) -> str:
        """`shares` for people: "audio 61% and lyrics 39%"."""
        return " and ".join(f"{name} {share:.0%}" for name, share in self.shares.items())

    def drawn_curve(self) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, "points moods"]]:
        """The mood over time for plotting: seconds, and each mood's probability then. A moment is drawn at its middle,
        the first and the last extend to the ends of the song.

        Raises:
            ValueError: there is no mood over time.
        """
        if not self.curve:
            raise ValueError("there is no mood over time without audio, or without moods; give an audio file")
        shares = np.array([list(moment.probabilities.values()) for moment in self.curve])
        middles = [(moment.start_s + moment.end_s) / 2 for moment in self.curve]
        return np.array([0.0, *middles, self.duration_s]), np.concatenate([shares[:1], shares, shares[-1:]])

    def to_json(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {"mood": self.mood, "confidence": self.confidence, **asdict(self)}
