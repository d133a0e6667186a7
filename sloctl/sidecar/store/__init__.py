"""The store: the engine's histories and counters, in an SQLite file over restarts.

`history_store` restores the engine at start, takes a checkpoint of every tracker that has changed ten seconds
after ten seconds, and once more at the end. `store_file` is the file: its schema, one transaction per flush,
and what to do with a file that is corrupt, of a newer sloctl, or in use by another process.

Where the file cannot be written the sidecar serves from memory and says so. docs/decisions/store.md tells
why a checkpoint is a base and a delta, and why each has a checksum.
"""
