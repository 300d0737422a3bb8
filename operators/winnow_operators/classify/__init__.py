"""What a clip shows and how much it is worth to a person (vehicle document 4)."""
