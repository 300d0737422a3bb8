"""`winnow upload simulate`: a vehicle's days on paper, in numbers and as a picture."""
