"""Makes valid, indexed MCAP files of damaged recordings, and says what could not be saved."""
