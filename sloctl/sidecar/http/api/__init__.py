"""Serve the JSON API, /api/v1.

A request's query becomes a checked value, the value selects states of the snapshot, each state becomes a
shape, and shapes become JSON: once per snapshot, however many clients read it. A client that sends the
ETag of what it has gets a 304.

    routes            a handler for each path
    query             the parameters of the list of SLOs, and what they select
    answers           snapshot, targets, issues and reloads → shapes
    shapes            the answers as types; null is unknown
    encoded_snapshot  a snapshot's JSON, made at most once
    openapi.json      the document, made of the shapes by tests/tools/openapi.py and served as it is
"""
