"""Using a trained run: the mood of a song of any length, with or without lyrics."""

from research.inference.prediction import Moment, MoodPrediction
from research.inference.predictor import MoodPredictor, Song, load_predictor

__all__ = ["Moment", "MoodPrediction", "MoodPredictor", "Song", "load_predictor"]
