"""One description, taken apart: what its words say."""
