"""The records of calls: one JSON line each, written to rotated files and read from them."""
