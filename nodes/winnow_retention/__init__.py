"""The retention node: what stays on the device, and for how long."""
