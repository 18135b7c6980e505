"""Export of a trained run: a model folder with model card, and ONNX."""
