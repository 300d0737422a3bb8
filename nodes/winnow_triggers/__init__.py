"""The triggers node: messages of the rings become signals, signals become events."""
