"""A trained run to pass on: a model folder with its card, and ONNX."""
