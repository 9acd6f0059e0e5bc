"""Backpropagation through time, by writing it.

The mathematics lives in ``cells``, ``gradients`` and ``training``, the data in
``tasks``, the exercises in ``course`` and the pictures in ``views``.  Imports run
one way, in that order; ``tasks`` stands apart.  Importing this package loads none
of them.
"""

__version__ = "0.1.0"
