"""The admin over all that Narada stores."""

from likes.admin import music  # noqa: F401  (registers its pages)
