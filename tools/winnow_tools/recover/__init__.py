"""`winnow recover`: damaged recordings become whole files, with a report of what is lost."""
