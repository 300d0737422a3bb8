"""A vehicle's days on paper: triggers, links, uploading and retention, with the very operators that the nodes use."""
