"""Two descriptions, taken apart, held against each other."""
