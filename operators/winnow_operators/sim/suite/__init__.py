"""The sensor suite: which topics there are, at which rate, and who renders them."""
