"""Read-only tools for agents, over the Model Context Protocol: `sloctl mcp`.

In come specs that the operator named, and a way to ask a sidecar, a Prometheus, or both; out goes a server
for standard input and output, of the protocol's official SDK. An agent sees what `status`, `explain`,
`validate`, `simulate` and `backtest` show, as typed values.

- `answers` has the answers as types, and what bounds them: so many SLOs, so many letters.
- `live_tools` answers how SLOs stand and what burns; `spec_tools` what a spec means, what is wrong with one
  and what an outage would do; `past_tools` what alerts would have fired.
- `server` makes a server of them, and is the only one that knows the SDK.

No tool writes, none takes a path, a URL or a query. What is refused is one line (`ToolRefused`). Names,
labels and texts come from whoever writes specs and metrics: they are printed on one line, cut, and passed on
as data.
"""
