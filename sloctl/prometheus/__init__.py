"""The one client of a Prometheus and of what speaks its API: Thanos, Mimir, VictoriaMetrics.

A query and a range go in; series come out, or a PrometheusError of one line that holds no secret. Two fronts
ask: a plain one for commands, which starts quickly, and one on asyncio for the sidecar. Both share the rest:

    errors        the exceptions, and the form of a URL that may be shown
    credentials   ClientOptions: limits, headers, and the files of tokens, passwords and certificates
    answers       QueryRange and its form, RangeSeries, InstantSample, and the check for whole answers
    plain_client  PlainHttpClient (any JSON API, such as the sidecar's) and PrometheusClient, on urllib
    async_client  HttpClient (also for scrapes and Alertmanager) and RangeQueries with retries, on aiohttp

An answer that is not known to be whole counts as none: one with warnings, one marked partial, one cut off,
and one larger than the limit. Redirects are not followed, so that no credential goes where nobody sent it.
"""
