"""The engine: counts of events in, one frozen snapshot per tick out. No HTTP, no file, no clock of its own.

In come the (error, total) counts that a source read, by SLO and group. `tick_loop` reads the source and hands
them to `engine`, which keeps one `tracker` per SLO and group:

- `history` holds its counts over the window, in `buckets` of time that widen with age;
- `evaluation` turns sums over the lookbacks into burn rates, budget and alerts, as the rules decide;
- `contributors` ranks the label values that carry more of the errors than of the traffic;
- `timeline` gives the same history as points over any range, for charts;
- `checkpoint` is the tracker as bytes for the store, found again by the SLO's `fingerprint`.

Out goes a `snapshot`, the one thing that the page, the API, /metrics and telemetry read. `candidates` are its
alerts with the labels that the rules' alerts have. `history_backfill` fills the windows at start from a
Prometheus, while live counts wait.
"""
