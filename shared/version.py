"""The release that runs: hatchling makes the package's metadata of it, since reading that back takes 20 ms."""

VERSION = "0.1.0"
