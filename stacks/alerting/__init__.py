"""Alerts, alarms and the dashboard."""
