"""The board as a page, as JSON, as metrics and as text. Views read one board and compute nothing."""
