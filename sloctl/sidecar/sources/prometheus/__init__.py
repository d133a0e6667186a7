"""The source that reads a Prometheus, for any kind of indicator: whole minutes, once their samples are there.

    options       PrometheusOptions: where, how, and how long to wait for samples
    source        PrometheusSource: how far each SLO has been read, and the minutes since
    minutes       the counts of each minute: recorded rollups, else the queries that the rules consist of
    repairs       what repairs of the rules added later, beyond minutes that were read from raw series
    silence       the time in which Prometheus scraped nothing
    history       the counts from before the sidecar started, for its windows
    label_counts  the minutes of SLOs with errors, broken down by label

No event is counted twice, whichever way a minute is read and however often that changes.
"""
