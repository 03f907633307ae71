"""The door of ``python -m gradproof``, for where the command ``gradproof`` is not installed."""

import sys

from gradproof.commands import main

if __name__ == "__main__":
    sys.exit(main())
