#!/usr/bin/env bash
# Install the agent from this very checkout of the action, so that the commit which pins the action pins it, too;
# its dependencies in the versions of constraints.txt. Nothing is read from the repository under repair.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
venv="$RUNNER_TEMP/marginal-agent"
if [ ! -x "$venv/bin/agent" ]; then
  cd "$RUNNER_TEMP"
  python3 -I -m venv "$venv"
  # A variable and not --constraint: it holds for what builds the package, too.
  PIP_CONSTRAINT="$here/constraints.txt" "$venv/bin/python" -I -m pip install \
    --quiet --disable-pip-version-check --no-input --only-binary :all: "$here/../.."
fi
