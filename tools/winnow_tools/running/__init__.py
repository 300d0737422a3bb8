"""Running a graph under dora from the command line."""
