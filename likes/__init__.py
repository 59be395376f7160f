"""All that is stored, and all that a person or a schedule starts."""
