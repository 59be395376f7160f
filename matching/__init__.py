"""Tells whether two descriptions of a track mean the same recording. Pure: no Django, no network."""
