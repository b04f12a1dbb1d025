"""Formulas: read, and worked out."""
