#!/usr/bin/env bash
# Applies a plan that `plan.sh` made, and refuses one that is stale: one of other files than those
# that are checked out here, or one that was made before the state changed (Terraform looks).
# Usage: apply.sh ENVIRONMENT PLAN.tar.gz
set -euo pipefail

environment=$1
archive=$2
stale=3
stack=$(mktemp -d)
trap 'rm -rf "$stack"' EXIT

refuse() {
  echo "::error title=Nothing is deployed to $environment::$1 Open a new pull request (an empty" \
    "commit is enough), review its plan and merge it." >&2
  exit "$stale"
}

tar -xzf "$archive" -C "$stack"
planned=$(cat "$stack/planned-tree")
here=$(git rev-parse "HEAD^{tree}")
if [[ $planned != "$here" ]]; then
  refuse "The plan was made of other files than those on main (tree ${planned:0:10}, here\
 ${here:0:10}): main moved on between the plan and the merge."
fi

export TF_IN_AUTOMATION=1
# The lock file came with the plan: the providers are those that made it.
terraform -chdir="$stack" init -input=false -no-color -lockfile=readonly
if ! terraform -chdir="$stack" apply -input=false -no-color -lock-timeout=10m tfplan \
  2> "$stack/errors"; then
  cat "$stack/errors" >&2
  if grep -q "Saved plan is stale" "$stack/errors"; then
    refuse "The state changed after the plan was made."
  fi
  exit 1
fi
