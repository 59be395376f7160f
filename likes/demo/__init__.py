"""The demo: Narada's own commands against a sandbox."""
