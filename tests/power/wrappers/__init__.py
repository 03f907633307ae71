"""Right code in wrong wrapping: gradients that something around them spoils, always or at some points only."""

from tests.power.wrappers import arguments, calls, little, sometimes

WRAPPERS = (*calls.WRAPPERS, *arguments.WRAPPERS, *little.WRAPPERS, *sometimes.WRAPPERS)
