"""The mood of songs from their sound and their words: the library under data_prep, experiments and baselines."""
