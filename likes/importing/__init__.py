"""From Spotify, or a file, into Narada."""
