"""Scores of answers: moods, tags, or both; arrays in, floats out."""
