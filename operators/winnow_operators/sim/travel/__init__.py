"""Getting from one place to another: roads, paths, the mission, planning and control."""
