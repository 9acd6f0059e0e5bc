"""Data: pure functions of a generator and sizes, and one table of figures."""
