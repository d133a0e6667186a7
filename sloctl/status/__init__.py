"""How SLOs stand now, as a sidecar or a Prometheus tells it. Needs neither's libraries."""
