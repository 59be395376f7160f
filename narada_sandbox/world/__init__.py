"""The people and the music of the sandbox, and where they are kept."""
