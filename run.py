#!/usr/bin/env python3
"""Short Video Console on this machine: `python3 run.py demo`, `test`, `fuzz`, `bench`.

This file keeps to syntax that old Pythons read, so that they can say what is wrong with them; the
work is in `runner/`, which needs nothing but the standard library.
"""

import sys

MINIMUM = (3, 11)


def main():
    # type: () -> int
    if sys.version_info < MINIMUM:
        sys.stderr.write(
            "Short Video Console needs Python {}.{} or newer; this is Python {}.{} ({}).\n".format(
                *(MINIMUM + sys.version_info[:2] + (sys.executable,))
            )
        )
        return 1
    try:
        from runner.cli import run  # noqa: PLC0415 - only now: old Pythons cannot read it

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
