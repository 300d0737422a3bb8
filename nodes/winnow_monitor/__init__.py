"""The monitor node: metrics for Prometheus, diagnostics every ten seconds (vehicle document 10.3)."""
