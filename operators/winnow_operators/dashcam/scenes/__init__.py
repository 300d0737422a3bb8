"""Generated scenes with known truth: plates, parked and passing cars, signs, light and weather."""
