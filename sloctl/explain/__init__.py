"""An SLO in plain words and its own numbers; pure."""
