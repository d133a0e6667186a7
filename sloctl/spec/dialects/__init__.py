"""Specs of other tools, read as if they had been written in sloctl's own format.

A foreign document becomes a document of kind ServiceLevelObjectives made of nodes, each of which carries the
place in the foreign file that it comes from. It then goes the way of every spec, `spec.native`. So a problem
points into the foreign file, `compile` reads a foreign dialect directly, `migrate` prints the very same nodes
as YAML, and both ways give the same rules.

- `registry`: the header of a document → its dialect, and the reader of that dialect, imported when needed.
  A reader gets all documents of its dialect in all files at once, since some refer to each other.
- `translation`: what a reader returns, with notes on what was understood differently, and the builders of
  nodes that all readers use.
- `query_shapes`: PromQL as other tools take it → counters, events or ratios.
- `sloth/`: Sloth's two formats.

A dialect keeps what its tool does: names, labels, windows, severities, and only the alerts that it has. What
cannot be kept is a note on the SLO, and what cannot be known is a problem at its place; neither is guessed.
"""
