"""Metrics and judges: one module for each family."""
