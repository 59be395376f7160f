"""Talks to music services. Knows nothing of likes, users' rows or tasks."""
