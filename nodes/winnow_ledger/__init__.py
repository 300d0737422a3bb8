"""The ledger node: one table of decisions with reasons."""
