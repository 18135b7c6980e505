"""Audio and lyrics encoders, their fusion, and the classifier built from them."""
