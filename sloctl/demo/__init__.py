"""A payments service with made-up traffic and a scripted incident, for `sloctl demo`."""
