"""Unit tests for promtool of the rules of an SLO, written from the maths and not from the rules.

What comes in is an SLO; what goes out is tests that the official tool runs, so that a user's CI proves the
rules without sloctl.

- `series`: concrete series that a selector takes, and how many events they are.
- `counting`: raw counters → the events and errors of a minute.
- `windows`: recorded counts → ratios over every lookback.
- `alerting`: recorded ratios → alerts that fire and that do not, budgets, no data.
- `promtool`: all of them as the text of promtool's files.

Each layer is fed with what the layer below records, so that no test needs a month of scrapes.
"""
