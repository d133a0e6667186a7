"""A report of a month, or any span: what each SLO promised and kept, for those who were not on call.

In come SLOs and a Prometheus that runs their rules; out comes one document as text, Markdown, CSV, JSON or a
page. Everything is counted from the rollups that the rules record, repairs of downtimes included.

- `recorded.py` asks for the rollups of one SLO over the span, and for the sums of the span before.
- `summary.py` judges: met or missed, what was spent, incidents and their shares, trend, who has no data.
- `documents.py` and `page.py` render the result.
"""
