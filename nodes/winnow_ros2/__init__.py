"""The live source for ROS 2 systems that speak over Zenoh (rmw_zenoh): original bytes, no ROS installation."""
