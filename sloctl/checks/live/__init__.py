"""Specs held against a Prometheus: whether what they select is there, and is what they take it for.

What comes in is SLOs and a server; what goes out is one result for each check and SLO, with how sure it is.

- `server`: the questions, bounded and each asked once; `results`: what a check returns.
- `series_checks`: series, label values, bucket, groups, scrape interval, processes.
- `count_checks`: ratios within 0 and 1, traffic.
- `server_checks`: retention, features, what rules are loaded.
- `run`: all of them over all SLOs.

A check asks for counts, never for series: the server does the work, the answers are small.
"""
