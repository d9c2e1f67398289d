"""What an environment and its pipelines may be set to.

The settings live in the ``context`` of ``cdktf.json`` under ``environments``; `read_environments`
turns that file into validated models or raises `SettingsError`, which names for every wrong value
the environment, the pipeline, the field, the value and what is allowed.
"""

from __future__ import annotations

from stacks.settings.alerts import JOBS_IN_A_PATTERN, AlertsSettings
from stacks.settings.environment import Environments, EnvironmentSettings
from stacks.settings.landing import ExistingLandingSettings
from stacks.settings.pipeline import (
    Column,
    InputSettings,
    JobSettings,
    OutputSettings,
    PipelineSettings,
)
from stacks.settings.reading import parse_environments, read_environments
from stacks.settings.retention import RetentionSettings
from stacks.settings.schedule import OFF
from stacks.settings.setting import Settings, SettingsError
from stacks.settings.state import LocalState, S3State

__all__ = [
    "JOBS_IN_A_PATTERN",
    "OFF",
    "AlertsSettings",
    "Column",
    "EnvironmentSettings",
    "Environments",
    "ExistingLandingSettings",
    "InputSettings",
    "JobSettings",
    "LocalState",
    "OutputSettings",
    "PipelineSettings",
    "RetentionSettings",
    "S3State",
    "Settings",
    "SettingsError",
    "parse_environments",
    "read_environments",
]
