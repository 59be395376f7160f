#!/usr/bin/env python
"""Runs Narada's management commands."""

from narada_site.cli import main

if __name__ == "__main__":
    main()
