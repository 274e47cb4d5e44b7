"""``python -m benchmarks [name ...]``: run the benchmarks, without names ``predict`` and ``encode``."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import encode, explain, ingest, predict, shipping
from benchmarks.auto import beside_peers as auto
from benchmarks.text import free_text as text

BENCHMARKS: dict[str, Callable[[argparse.Namespace], None]] = {
    "predict": lambda options: predict.main(options.seconds),
    "encode": lambda options: encode.main(options.seconds),
    "explain": lambda _options: explain.main(),
    "shipping": lambda options: shipping.main(options.seconds),
    "text": lambda options: text.main(options.corpora, options.skrub),
    "ingest": lambda options: ingest.main(options.size_bytes, options.rounds),
    "auto": lambda options: (
        auto.tell(options.budgets, options.tables)
        if options.report
        else auto.main(options.budgets, options.tables, options.systems, is_fresh=options.fresh)
    ),
}
SHORT = ("predict", "encode")


def main() -> int:
    """Run what was asked for; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(BENCHMARKS)}")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each measurement (default: %(default)s)")
    parser.add_argument(
        "--size-bytes", type=int, default=1_500_000_000, help="ingest: of the CSV file (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=2, help="ingest: runs of each converter (default: %(default)s)")
    parser.add_argument("--corpora", type=Path, help="text: the folder of what was downloaded of packages with corpora")
    parser.add_argument("--skrub", type=Path, help="text: the Python of an environment that has skrub")
    parser.add_argument(
        "--budgets", type=float, nargs="+", default=[10, 30, 60], help="auto: seconds for each fit (default: 10 30 60)"
    )
    parser.add_argument("--tables", nargs="+", default=[], help="auto: which tables (default: all)")
    parser.add_argument("--systems", nargs="+", default=[], help="auto: which systems to measure (default: all)")
    parser.add_argument("--report", action="store_true", help="auto: measure nothing, report what is in the cache")
    parser.add_argument("--fresh", action="store_true", help="auto: measure Modelbus anew, whatever is in the cache")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - BENCHMARKS.keys())
    if unknown:
        parser.error(f"there is no benchmark {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}")
    for name in options.names or SHORT:
        print(f"== {name}")
        BENCHMARKS[name](options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
