"""A run on disk: an immutable manifest and append-only records, one file each."""
