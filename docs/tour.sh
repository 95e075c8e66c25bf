#!/bin/sh
# Runs the tour of the README as it is written there:  docs/tour.sh [state folder of a fresh `cargo xtask dev`]
set -eu
cd "$(dirname "$0")/.."
READY="${1:-.state}/ready.json"
export READY
awk '
  /^## / { tour = ($0 == "## A tour with curl") }
  tour && /^```$/ { code = 0 }
  tour && code { print }
  tour && /^```sh$/ { code = 1 }
' README.md > "${TMPDIR:-/tmp}/homeroom-tour.$$"
trap 'rm -f "${TMPDIR:-/tmp}/homeroom-tour.$$"' EXIT
sh -eu "${TMPDIR:-/tmp}/homeroom-tour.$$"
