"""``python -m benchmarks [name ...]``: run the benchmarks, all by default."""

import argparse
import sys

from benchmarks import predict

BENCHMARKS = {"predict": predict.main}


def main() -> int:
    """Run what was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each measurement (default: %(default)s)")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - BENCHMARKS.keys())
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    for name in options.names or BENCHMARKS:
        print(f"== {name}")
        BENCHMARKS[name](options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
