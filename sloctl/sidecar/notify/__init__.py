"""Alerts to Alertmanager: the rules' alerts, under the same labels, so that Alertmanager merges both.

Its one law: silence is no answer. What is not known neither begins an alert nor ends one.
"""
