"""What an environment and its pipelines may be set to.

The settings live in the ``context`` of ``cdktf.json`` under ``environments`` and ``state_bucket``;
`read_settings` turns that file into validated models or raises `SettingsError`, which names for
every wrong value the environment, the pipeline, the field, the value and what is allowed.
"""

from __future__ import annotations

from stacks.settings.alerts import JOBS_IN_A_PATTERN, AlertsSettings
from stacks.settings.document import parse_document, settings_text
from stacks.settings.environment import Environments, EnvironmentSettings
from stacks.settings.github import GithubSettings
from stacks.settings.landing import ExistingLandingSettings
from stacks.settings.pipeline import (
    DPUS,
    Column,
    InputColumn,
    InputSettings,
    JobSettings,
    OutputSettings,
    PipelineSettings,
)
from stacks.settings.reading import (
    parse_context,
    parse_environments,
    parse_settings,
    parse_text,
    place_in,
    read_environments,
    read_settings,
)
from stacks.settings.retention import RetentionSettings
from stacks.settings.schedule import OFF
from stacks.settings.setting import Settings, SettingsError
from stacks.settings.state import CloudState, LocalState, S3State, StateBucket
from stacks.settings.variables import Variables, read_variables, single_key

__all__ = [
    "DPUS",
    "JOBS_IN_A_PATTERN",
    "OFF",
    "AlertsSettings",
    "CloudState",
    "Column",
    "EnvironmentSettings",
    "Environments",
    "ExistingLandingSettings",
    "GithubSettings",
    "InputColumn",
    "InputSettings",
    "JobSettings",
    "LocalState",
    "OutputSettings",
    "PipelineSettings",
    "RetentionSettings",
    "S3State",
    "Settings",
    "SettingsError",
    "StateBucket",
    "Variables",
    "parse_context",
    "parse_document",
    "parse_environments",
    "parse_settings",
    "parse_text",
    "place_in",
    "read_environments",
    "read_settings",
    "read_variables",
    "settings_text",
    "single_key",
]
