"""Evaluation: data in, targets run, rows scored, the whole written back as a run."""
