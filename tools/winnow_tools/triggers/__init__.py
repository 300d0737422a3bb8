"""Triggers on the command line: what runs, why, and how it does on a recording (`winnow triggers`)."""
