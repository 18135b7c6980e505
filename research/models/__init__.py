"""Encoders of sound and words, their fusion, and the classifier made of them."""
