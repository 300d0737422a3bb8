"""Networks on the devices that run them: ONNX Runtime, LiteRT, the Edge TPU."""
