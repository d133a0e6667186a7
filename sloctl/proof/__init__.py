"""Proof: what another tool's SLO said over the past of a real Prometheus, beside what ours says.

In come SLOs, the error ratios as their own tool evaluates them, and a Prometheus; out comes, per SLO and
window, both ratios, how far they are apart, and why where that is known.

- `past_ratios`: the original expression over the past, one column a window, fetched a day at a time.
- `comparison`: both columns beside each other, the pages that each would have sent, and the reasons.
- `report`: the comparison as text, Markdown and JSON.

Ours is counted by `backtest`, from the expressions that the rules evaluate. Each window of the original is
evaluated as often as its length asks for: every minute up to an hour, every hour for three days.
"""
