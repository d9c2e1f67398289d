#!/usr/bin/env bash
# Installs what the stacks and `burst review` need, as Pipfile.lock pins it, and puts it on the PATH.
set -euo pipefail

python -m pip install --quiet pipenv==2026.10.3
PIPENV_VENV_IN_PROJECT=1 pipenv sync
echo "$PWD/.venv/bin" >> "${GITHUB_PATH:-/dev/null}"
