"""Gradients in the styles in which people write them: right ones, on which the tests of the adapters try."""
