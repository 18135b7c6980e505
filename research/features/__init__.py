"""From files to arrays: sound to log-mel spectrograms, words to tokens, and the store both are read from."""
