"""Readout, losses, optimisers and the training loop."""
