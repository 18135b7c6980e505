"""Losses: for moods (one per song), for tags, for both, and of a whole training step."""
