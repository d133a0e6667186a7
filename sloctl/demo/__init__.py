"""A payments service with made-up traffic and a scheduled incident, for `sloctl demo`.

In come a clock that runs faster than ours, and a source of randomness; out come `/metrics` over HTTP, which a
real sidecar scrapes, and the truth to compare it with.

- `traffic.py` makes up the requests, and schedules the incident.
- `service.py` serves them and exposes their metrics; `ground_truth.py` counts them, and knows when they
  should have paged.
- `history.py` fills the sidecar with the thirty days before.
- `incident_timeline.py` notes when each incident paged and cleared; `snapshot_report.py` converts what the
  sidecar knows into the report that `status` draws.
"""
