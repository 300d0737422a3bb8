"""What the vehicle's software says about the world: perception, localization, health."""
