"""`winnow sim`: recordings from the simulator, and what must fire in them."""
