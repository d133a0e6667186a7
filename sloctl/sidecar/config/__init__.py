"""The configuration file of a sidecar: from text to the options of its components.

`read.py` takes the text of one YAML document and returns `Settings`, or every problem at its line and column.
On the way `fields.py` holds the keys as types, from which msgspec reads the file and the chart's schema is
made; `options.py` turns each group of them into the options that a component takes. What a component does not
accept is its own to say, as a ValueError: here it gets its place in the file.

Keys are flat and in camel case, as Kubernetes components have theirs. A secret never stands in the file: it
names the file that holds the secret. A renamed key is a problem that names the new one.
"""
