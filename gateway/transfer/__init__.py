"""Files in and out: uploads, downloads, and the fields that say how a file is read."""
