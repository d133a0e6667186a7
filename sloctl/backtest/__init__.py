"""Backtest: what an SLO's alerts would have done over event counts of the past.

In come SLOs, and their counts by the minute: from a Prometheus, by the very expressions that the rules
evaluate (`fetch.py`), kept on disk a day at a time (`count_cache.py`), or from files (`count_files.py`). The
policy is replayed by `slo.replay`; nothing about windows or conditions is defined here.

- `evaluation.py` makes of counts and replay what is shown: alerts, periods met or missed, worst hours, what
  other objectives and policies would have fired.
- `reports.py` renders that as text, Markdown and JSON, `html_report.py` as one page.
"""
