#!/usr/bin/env bash
# What the tests need beside Python: a Chromium for the browser stories. Installs Debian's where it is missing and may be.
set -u
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing chromium for the browser stories …"
  apt-get update -qq >/dev/null 2>&1
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null 2>&1 </dev/null && exit 0
fi
[ -n "${CI:-}" ] && { echo "Chromium is missing and could not be installed: the browser stories cannot run." >&2; exit 1; }
echo "WARNING: no chromium found: the browser stories will be SKIPPED. Install it (Debian, Ubuntu: apt install chromium)." >&2
exit 0
