"""ROS 2 message definitions of the sensor suite."""
