"""Campaigns on the command line: `winnow campaign`."""
