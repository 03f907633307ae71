"""Mistakes that can be seen without a derivation: scale and sign, shape and order, a limit, something left out."""
