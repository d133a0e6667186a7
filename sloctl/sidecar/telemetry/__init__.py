"""What the sidecar tells of itself: logs always, metrics and traces over OTLP where `OTEL_*` ask for them."""
