"""Generated drives as files, what the graphs made of them, and whether that is true."""
