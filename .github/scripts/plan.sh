#!/usr/bin/env bash
# Plans one environment that is synthesized, and writes what a review and a deployment need:
#   FOLDER/comment.md   the review, for the pull request
#   FOLDER/plan.tar.gz  the plan with the stack that it belongs to, for `apply.sh`
# Usage: plan.sh ENVIRONMENT FOLDER
set -euo pipefail

environment=$1
folder=$2
stack=${CDKTF_OUTDIR:-cdktf.out}/stacks/$environment
mkdir -p "$folder"

export TF_IN_AUTOMATION=1
terraform -chdir="$stack" init -input=false -no-color
# Somebody else's plan or deployment holds the lock of the state for minutes at most.
terraform -chdir="$stack" plan -input=false -no-color -lock-timeout=10m -out=tfplan

terraform -chdir="$stack" show -json tfplan > "$folder/plan.json"
terraform -chdir="$stack" show -no-color tfplan > "$folder/plan.txt"
python -m tools.cli review "$folder/plan.json" --format markdown \
  --plan-text "$folder/plan.txt" --synthesized "$stack/cdk.tf.json" \
  --stack "$environment" --commit "${HEAD_SHA:-$(git rev-parse HEAD)}" > "$folder/comment.md"
cat "$folder/comment.md" >> "${GITHUB_STEP_SUMMARY:-/dev/null}"
# It holds values that Terraform marks sensitive; the review does not.
rm "$folder/plan.json"

# What was planned is known by its files and not by its commit: a merge makes another commit of them.
git rev-parse "HEAD^{tree}" > "$stack/planned-tree"
tar --exclude=.terraform -czf "$folder/plan.tar.gz" -C "$stack" .
