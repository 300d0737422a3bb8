"""What review pages compute: near matches of plates, maps, timelines."""
