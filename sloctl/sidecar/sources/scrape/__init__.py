"""The source that needs no Prometheus: the targets' own metrics text, read at every tick.

    source      ScrapeOptions, and ScrapeSource: all targets at once, their tallies merged
    targets     ScrapeTarget, and DnsDiscovery: a target per address behind the name of a headless service
    scraper     TargetScraper: one target, its baseline and its state
    exposition  text of Prometheus or OpenMetrics in, samples of the metrics that the SLOs name out

A target that fails counts nothing and hides none of the others; its counters go on where they were when it
answers again within five minutes.
"""
