"""The redactor node: what leaves shows no people."""
