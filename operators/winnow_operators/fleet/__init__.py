"""A simulated fleet: clips of many vehicles and days with the scenario that a person would call them.

For training and measuring classifiers before real labels exist. What triggers fire in which scenario is
confused on purpose, so that a trigger's type alone is right about seven times in ten, as the vehicle
document (4.4) says of its rules.
"""
