"""Sloth's specs: `prometheus/v1`, the custom resource of the same content, and catalogues of alert windows.

The two formats differ in the spelling of their keys alone, so `fields` has each type once and spells it both
ways. `reader` sorts the documents and translates them service by service; `objectives` has one SLO.
"""
