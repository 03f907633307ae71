"""Somebody's file, imported and run in a process of its own, under limits; this process does all the comparing.

It guards against mistakes and mischief: endless loops, crashes, too much memory, a patched NumPy. It is no sandbox: the
code may read and write files and use the network as its user may. Hostile code belongs in a container.
"""

from gradproof.isolation.isolated import Isolated
from gradproof.isolation.limits import Limits

__all__ = ["Isolated", "Limits"]
