"""``python -m tests.fuzz``: random programs on the tape, each held against its gradient in 900 digits."""

from __future__ import annotations

import argparse
import sys

from tests.fuzz.comparison import exactly, in_pytorch
from tests.fuzz.run import fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.partition(": ")[2])
    parser.add_argument("--programs", type=int, default=2000, help="how many must be compared (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="other programs (default: %(default)s)")
    parser.add_argument("--pytorch", action="store_true", help="hold PyTorch's gradients against the bound instead")
    options = parser.parse_args()
    run = fuzz(options.programs, options.seed, in_pytorch if options.pytorch else exactly)
    sys.stdout.write("\n".join(run.lines) + "\n")
    return int(run.wrong is not None)


if __name__ == "__main__":
    sys.exit(main())
