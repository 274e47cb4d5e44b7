"""Files in and out: uploads, downloads, and the options for reading files."""
