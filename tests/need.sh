#!/usr/bin/env bash
# What the tests need beside Python: a Chromium for the browser stories, a dovecot for the mailbox stories. Installs Debian's
# where they are missing and may be.
set -u
missing=()
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || missing+=(chromium)
command -v dovecot >/dev/null 2>&1 || [ -x /usr/sbin/dovecot ] || missing+=(dovecot-imapd)
[ ${#missing[@]} = 0 ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "Installing ${missing[*]} for the tests …"
  apt-get update -qq >/dev/null 2>&1
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null 2>&1 </dev/null && exit 0
fi
[ -n "${CI:-}" ] && { echo "${missing[*]} missing and could not be installed: these stories cannot run." >&2; exit 1; }
echo "WARNING: ${missing[*]} not found: their stories will be SKIPPED. Install them (Debian, Ubuntu: apt install ${missing[*]})." >&2
exit 0
