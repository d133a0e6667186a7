"""Findings beyond what compiling needs: a sound spec that counts, alerts or reads hardly as it was meant.

What comes in is what `spec.read_specs` has read; what goes out is problems at their places, in order.

- `selector_checks`, `query_checks`, `objective_checks`, `repository_checks`: each check is one function and
  one code, from an SLO to what is odd about it. `findings` has their common form.
- `review`: all of them over all SLOs, weighed by the repository's settings and taken back by comments.

`spec.checks` has what refuses a spec, and what must be told wherever one is compiled.
"""
