#!/usr/bin/env bash
# Synthesizes every stack into cdktf.out (or $CDKTF_OUTDIR). It needs no credentials.
set -euo pipefail

python main.py
