"""The admin over all that Narada stores: to find what is wrong, see why, and decide.

Rows that a sync writes are shown, not edited; a decision is made through ``review``, as in the
pages. No token and no secret is shown anywhere. Django imports this package; these modules register
their pages.
"""

from likes.admin import music, operating  # noqa: F401
