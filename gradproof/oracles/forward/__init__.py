"""The gradient carried forwards: one run of the loss, with the derivatives along many directions beside every value.

``tangents`` holds what is carried, ``arrays`` the arrays a loss computes with, ``functions`` what NumPy's functions do
with them, ``gradient`` the runs themselves.
"""

from gradproof.oracles.forward import arrays, functions

__all__ = ["arrays", "functions"]
