"""An SLO in plain words, with its own numbers, for `sloctl explain`.

In comes an Slo, and the number of events a second where somebody knows it; out come text of 80 columns, or
JSON with the same numbers. No server is asked: all follows from the spec and the formulas of `slo/`.

- `event_definition.py` says what one event of an indicator is, when it is bad, and what no data means.
- `timeline.py` computes the rest: the budget, the threshold of each row of the policy, and three simulated
  outages (100 %, 10 % and 1 % bad), with when each alert fires, what was spent by then, and when it resolves.
- `effective.py` lists each value that holds for an SLO, and the line where it was written.
- `text_report.py` and `json_report.py` render that.
"""
