"""``winnow plates``: plates in photos."""
