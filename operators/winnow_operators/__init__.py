"""Pure stages: no dora, clock, environment, file or network; time comes in as an argument."""
