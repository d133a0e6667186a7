"""Rollups of the time before the rules ran, so that a new SLO starts with full windows.

In come an SLO, a range of the past and a way to ask a Prometheus range queries; out go OpenMetrics lines,
which `promtool tsdb create-blocks-from openmetrics` loads. Nothing is counted twice: what the rules, or their
repair group, have recorded is left to them, and the backfill ends where that begins (`missing_range`).

`rollups.py` does it all, a day at a time: ask for the fine rollups of the day by the expressions that the
rules evaluate (`rules/backfill_queries.py`), sum them into coarse ones, and repair each gap in between by the
increase of the raw counters across it. `published.py` sums the windows that dashboards
read, for the series and labels that `rules/recording.py` names; `openmetrics.py` writes samples. The command
that writes the files is `cli/backfill.py`.
"""
