"""The workstation's part: plates read in the frames that matter, voted, placed, recorded."""
