"""The conventions by which ROS 2 speaks over Zenoh (rmw_zenoh): keys, tokens, attachments, numbering."""
