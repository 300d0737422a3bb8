"""What finds people and plates in a picture, and how good it is at that."""
