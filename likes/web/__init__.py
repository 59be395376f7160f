"""The web pages, by topic. Each shows and changes the rows of the user who is signed in, only."""
