"""The configuration file of a sidecar: where counts come from, who is told, who may read."""
