"""Last.fm as the sandbox plays it."""
