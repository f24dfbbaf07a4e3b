"""`python -m localvod`."""

import sys

from localvod.cli import main

if __name__ == "__main__":
    sys.exit(main())
