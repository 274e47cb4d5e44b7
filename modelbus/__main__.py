"""``python -m modelbus``: the same as the ``modelbus`` command."""

from modelbus.cli import main

if __name__ == "__main__":
    main()
