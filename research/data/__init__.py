"""From a prepared corpus to the batches a model reads."""
