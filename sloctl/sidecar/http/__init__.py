"""Serve the sidecar over HTTP: pages for people, JSON for programs, metrics for Prometheus.

In comes the newest snapshot, by its feed; out go answers to requests. Everything that is shown was evaluated
by the engine; history for the page's charts comes from it on request.

    application      the routes, and what runs while they are served; Sidecar holds the parts it is made of
    server           the listener, TLS that follows its certificate's files
    connection       one client: limits, security headers, the answer to what is no HTTP
    access           the bearer token, the host names that may be asked for
    options          the operator's choices of all these
    problem_details  every error as RFC 9457
    event_stream     /live, which says that there is a newer snapshot
    api/             /api/v1, and POST /-/reload
    metrics/         /metrics
    page/            / and /slo/…
"""
