"""`python -m localvod`."""

import sys

if __name__ == "__main__":
    try:
        from localvod.cli import main  # inside: the import takes a while, and Ctrl-C may come

        sys.exit(main())
    except KeyboardInterrupt:
        sys.stderr.write("localvod: Interrupted.\n")
        sys.exit(130)
