"""What other settings would have decided on a recording: the graph's own operators, without dora."""
