"""Uncertainty of scores: confidence intervals, tests and calibration, from predictions."""
