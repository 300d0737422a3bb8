"""Whether a graph is fit to run, here, with its settings (`winnow check`)."""
