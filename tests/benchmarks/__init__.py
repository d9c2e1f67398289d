"""Figures with their rivals: printed, never asserted."""
