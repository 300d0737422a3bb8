"""Recordings from one container into another: the messages, the schemas and the times as they were."""
