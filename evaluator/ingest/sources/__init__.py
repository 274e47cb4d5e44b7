"""The formats of files: each becomes text or typed cells, with what is wrong and where."""
