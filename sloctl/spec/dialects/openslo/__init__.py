"""OpenSLO's objects → SLOs of ours.

- `fields`: what objects of version v1 may have, as types.
- `versions`: v1alpha and v2alpha in the words of v1, at their places.
- `catalogue`: the objects of all files by kind and name, for those that refer to each other.
- `queries`: the queries of an SLI, which standard nobody wrote, with a range in each selector.
- `indicators`: an SLI, with its objective and budgeting method → an indicator.
- `windows`: a time window → a window.
- `policies`: alert policies and conditions → `alerting`.
- `reader`: one SLO object → SLOs, one for each objective; the entry.

An object of OpenSLO may be right for OpenSLO and have no meaning in Prometheus: that is a problem at its
place. Where the specification, its examples and its library contradict each other, the strictest of them
holds, unless `lenient` is asked for and only one meaning is possible.
"""
