"""The gate: which frames of a drive are worth a closer look, and why the others are not."""
