"""Alerts to Alertmanager: those of the compiled rules, under the same labels, so that it merges both.

A `Notifier` follows the feed of snapshots. What comes in is one snapshot after another, each with the alert
candidates that `engine.candidates` finds in it; what goes out are POST requests to every Alertmanager:

- `active_alerts.py` decides when an alert begins and ends: no data neither begins nor ends one.
- `send_schedule.py` decides which of them one Alertmanager is to be sent now: new ones, ended ones, and every
  active one again each minute, since Alertmanager drops what is not renewed.
- `annotations.py` writes an alert's text, with the sentences of `rules.alert_text`.
- `alertmanager.py` posts them, and says what Alertmanager did not accept.
- `notifier.py` runs all of it in tasks: one that follows snapshots, and one for each Alertmanager.

The first three are pure: the time is an argument.
"""
