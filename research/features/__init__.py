"""From files to arrays: audio to log-mel spectrograms, lyrics to tokens, and the feature store."""
