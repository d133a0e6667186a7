"""The command line: one file per command, named as the command, imported only when it is the one given.

In come the arguments and what the commands read: specs, a sidecar, a Prometheus. Out goes the result on
standard output, what a person should know on standard error, and an exit code: 0 fine, 1 problems found, 2
could not run. Only this folder prints and exits.

- `main` picks the command; each offers `add_arguments` and `run`, and its docstring is its help.
- `arguments` declares the options that several commands share; `spec_arguments` reads the specs they name.
- `exit_codes` holds the codes, and CouldNotRun, whose message becomes one line and exit code 2.
- `streams` opens standard input, output and error: UTF-8, and a failure is told like any other.
- `compile`, `validate`, `schema`, `explain`, `simulate` read specs; `status`, `backfill`, `backtest` and
  `report` ask a server; `sidecar` and `demo` serve, and need the `sidecar` extra.
"""
