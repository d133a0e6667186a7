"""The sidecar: live error-budget burn from a service's own metrics, a Prometheus or OTLP.

Counts come in from a source, once per tick; alerts, a page, an API and metrics go out. In that order:

- `sources/` reads (error, total) counts of every SLO: `scrape`, `prometheus` or `otlp`.
- `engine/` adds them to windows, evaluates burn rates and alerts, and freezes all of it in one `Snapshot`.
- `store/` writes the windows to SQLite, so that they outlive the process.
- `http/` serves the snapshot as page, JSON and metrics; `notify/` sends its alerts to Alertmanager;
  `telemetry/` exports it over OTLP and writes logs. The three are unaware of each other.
- `config/` reads the configuration file into the options of all of them, and `build.py` connects them.
- `reload.py` watches the specs while all this runs.

Below them `component.py` says how a component opens and reports, `runtime.py` owns tasks and the process, and
`clock.py` is the time. Imports go downwards only: a contract in pyproject.toml.
"""
