"""Registration plates: which lines of text are plates, and what they say."""
