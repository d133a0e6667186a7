"""Rule groups on a ruler with an API: what is there, what should be, and the steps from one to the other.

Mimir's and Cortex's rulers keep the groups of a tenant in namespaces. `groups` reads compiled files and the
ruler's answers into the same values, so that both compare; `push_plan` lists the steps, and touches only what
is ours; `client` asks the ruler and takes the steps, one request each.

Ours is a namespace that begins with `sloctl.`, and in it the groups that begin with `slo:`. Of namespaces of
services that are not among the specs nothing goes, unless that is asked for.
"""
