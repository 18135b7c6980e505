"""Metrics for moods, tags, or both; arrays in, floats out."""
