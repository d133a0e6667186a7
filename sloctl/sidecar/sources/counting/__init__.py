"""Counting without PromQL: samples of raw series go in, error and event counts per SLO come out.

    series             SeriesId and ExposedSample, the values that the rest is about
    plan               CountingPlan: which SLOs can be counted, by which selectors; SloCounts from the results
    re2_patterns       Prometheus's regular expressions, in linear time
    selector_index     for one series, the few of thousands of selectors that match it
    series_weights     for one series, the SLOs that count it, and with which sign
    counter_increases  by how much each counter grew since the last scrape: resets, gaps, new series
    histogram_bounds   whether a histogram has the bound that an SLO needs
    tally              increases summed per SLO and group; a pair that cannot be read whole is held back
    time_slices        slices of time, judged by the counts in them
    journeys           minutes of journeys, out of the counts of their parts
    label_counts       the same counts per label value, to show what contributes to the errors

The scrape source feeds it the samples of each target, the OTLP source the points that arrive.
"""
