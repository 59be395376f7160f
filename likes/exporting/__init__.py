"""From Narada to Last.fm."""
