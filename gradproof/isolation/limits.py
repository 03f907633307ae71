"""What a process that runs somebody's code may use."""

from __future__ import annotations

import sys
from dataclasses import dataclass

MiB = 2**20


@dataclass(frozen=True)
class Limits:
    """Seconds for each call and for the import; the rest in bytes.

    memory: that the process can write to, shared mappings aside. file: of any file it writes. answer: of what a call
    returns, with the inputs that it changed.
    """

    seconds: float = 10.0
    import_seconds: float = 30.0
    memory: int = 2048 * MiB
    file: int = 256 * MiB
    answer: int = 64 * MiB

    def not_kept(self) -> tuple[str, ...]:
        """What this system does not limit, in a sentence each."""
        if sys.platform == "linux":
            return ()
        return (f"memory is not limited on {sys.platform}: it has no limit on what a process may write to",)

    def apply(self) -> None:
        """Set this process's limits, for good. Time and answers are watched from outside."""
        try:
            import resource  # here, since Windows has none
        except ImportError:
            return
        for kind, most in {"RLIMIT_DATA": self.memory, "RLIMIT_FSIZE": self.file, "RLIMIT_CORE": 0}.items():
            _, hard = resource.getrlimit(getattr(resource, kind))
            lowered = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(getattr(resource, kind), (lowered, lowered))
