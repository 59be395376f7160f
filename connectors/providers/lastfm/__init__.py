"""The Last.fm provider that allauth lacks (https://www.last.fm/api/webauth)."""
