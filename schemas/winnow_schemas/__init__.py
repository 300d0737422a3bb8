"""Everything that crosses a process border: messages, settings, sidecars, names and ids."""
