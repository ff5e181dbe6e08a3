#!/usr/bin/env bash
# The types of our JavaScript, where Node exists. TypeScript comes from the registry into a cache outside the checkout.
set -eu
command -v npx >/dev/null 2>&1 || { echo "No Node here: the JavaScript's types are not checked."; exit 0; }
cache="${XDG_CACHE_HOME:-$HOME/.cache}/contactcenter-tsc"
mkdir -p "$cache"
[ -x "$cache/node_modules/.bin/tsc" ] || npm install --silent --no-audit --no-fund --prefix "$cache" typescript@5.9.3 >/dev/null
"$cache/node_modules/.bin/tsc" -p "$(dirname "$0")" && echo "JavaScript types: clean"
