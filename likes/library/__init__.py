"""A user's whole library, written to a file and read back."""
