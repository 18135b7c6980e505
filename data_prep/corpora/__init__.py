"""One file per corpus. Its docstring is the data sheet that `python -m data_prep CORPUS --help` prints."""
