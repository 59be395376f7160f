"""How things stand, what blocks, and what to do next."""
