"""Loggers of training besides metrics.jsonl: TensorBoard, Weights & Biases, and one of your own."""
