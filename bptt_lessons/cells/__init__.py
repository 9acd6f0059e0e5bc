"""Recurrent cells: one step, one step back, and whole sequences of them."""
