"""The source that services push to: OTLP metrics over HTTP, counted as a scrape of the same metrics would be.

    receiver               POST /v1/metrics: a protobuf request in, the points that were rejected out
    source                 OtlpSource: what has arrived since the last tick, counted per SLO
    points                 a request as points of series, named and labelled as Prometheus would
    naming                 OpenTelemetry's names as Prometheus's own OTLP receiver writes them
    point_increases        by how much each point raises its series: delta, cumulative, restarts, late points
    exponential_histogram  observations above a threshold, as Prometheus's histogram_fraction

A point that cannot be used is reported to its sender with the reason, never guessed at.
"""
