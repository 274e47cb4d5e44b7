"""The version of this release; hatchling takes the package's metadata from here, since reading it back takes 20 ms."""

VERSION = "0.1.0"
