"""SLOs as OpenSLO has them, for tools that read it.

`openslo` makes the objects of each service, with queries in PromQL; `sloctl` reads them back as the SLOs they
were. What OpenSLO has no field for (a short lookback, groups, the scrape interval, alerts beside the burn)
stands in annotations `sloctl.dev/…`.
"""
