"""Live error-budget burn, from a service's own metrics: source, ledger, board, views."""
