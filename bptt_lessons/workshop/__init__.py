"""What an instructor needs on the day: slides, the handout, and where a class stands."""
