"""Text in pictures: where lines are, how they are cut out straight, what stands in them."""
