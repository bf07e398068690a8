#include "hub/cli/bootstrap.h"

#include <sstream>

#include <fmt/format.h>

#include "common/defaults.h"
#include "hub/cli/agent_unit.h"

namespace hivemind::hub::cli {
namespace {

constexpr const char* kScriptFile = "/usr/local/sbin/hivemind-bootstrap";
constexpr const char* kUnitFile = "/etc/systemd/system/hivemind-bootstrap.service";

// For a single-quoted word of a shell. Nothing that we put in has one: tokens, URLs.
std::string quoted(const std::string& text) {
  std::string word = "'";
  for (const char c : text) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return word + "'";
}

std::string indented(const std::string& text, const std::string& by) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) result += line.empty() ? "\n" : by + line + "\n";
  return result;
}

// Until it has succeeded; then it takes itself away, and the token with it.
constexpr const char* kBootstrapUnit = R"([Unit]
Description=HiveMind: install the agent and enrol this node
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=oneshot
ExecStart=/usr/local/sbin/hivemind-bootstrap
Restart=on-failure
RestartSec=15

[Install]
WantedBy=multi-user.target
)";

}  // namespace

std::string bootstrap_script(const Bootstrap& bootstrap) {
  return fmt::format(
      R"(#!/bin/sh
# Installs HiveMind's agent and enrols this machine. Runs until it succeeds; the token is good for as long as it says.
set -eu
umask 077
hub={}
token={}
package={}
state={}
export DEBIAN_FRONTEND=noninteractive

arch=$(dpkg --print-architecture)
url=$(printf '%s' "$package" | sed "s/{{arch}}/$arch/g")

if ! command -v docker >/dev/null 2>&1 && ! command -v podman >/dev/null 2>&1; then
  apt-get update -q
  apt-get install -y -q docker.io
fi

if ! command -v hivemind-agent >/dev/null 2>&1; then
  work=$(mktemp -d)
  if command -v curl >/dev/null 2>&1; then
    curl -fsSL --retry 3 -o "$work/agent" "$url"
  else
    wget -q -O "$work/agent" "$url"
  fi
  case "$url" in
    *.deb)
      mv "$work/agent" "$work/hivemind-agent.deb"
      chmod 755 "$work" && chmod 644 "$work/hivemind-agent.deb"
      apt-get install -y -q "$work/hivemind-agent.deb"
      ;;
    *)
      install -m 755 "$work/agent" /usr/bin/hivemind-agent
      if [ ! -e /etc/systemd/system/hivemind-agent.service ]; then
        cat >/etc/systemd/system/hivemind-agent.service <<'UNIT'
{}UNIT
        chmod 644 /etc/systemd/system/hivemind-agent.service
      fi
      mkdir -p /etc/hivemind
      [ -e /etc/hivemind/agent.toml ] || : >/etc/hivemind/agent.toml
      ;;
  esac
  rm -rf "$work"
fi

systemctl daemon-reload
if [ ! -d "$state/identity" ]; then
  systemctl stop hivemind-agent.service 2>/dev/null || true
  mkdir -p "$state"
  HIVEMIND_ENROLL_TOKEN="$token" hivemind-agent enroll --hub "$hub" --data-dir "$state"
fi
systemctl enable hivemind-agent.service
systemctl start hivemind-agent.service

systemctl disable hivemind-bootstrap.service 2>/dev/null || true
rm -f {} {}
)",
      quoted(bootstrap.hub), quoted(bootstrap.token), quoted(bootstrap.package),
      quoted(defaults::kAgentDirectory), kAgentUnit, kUnitFile, kScriptFile);
}

std::string cloud_init(const Bootstrap& bootstrap) {
  return fmt::format(
      R"(#cloud-config
# Installs HiveMind's agent at the first boot and enrols the machine with the hub. It holds an enrolment token: give it to nobody else.
write_files:
  - path: {}
    owner: root:root
    permissions: "0700"
    content: |
{}  - path: {}
    owner: root:root
    permissions: "0644"
    content: |
{}runcmd:
  - [systemctl, daemon-reload]
  - [systemctl, enable, hivemind-bootstrap.service]
  - [systemctl, start, --no-block, hivemind-bootstrap.service]
)",
      kScriptFile, indented(bootstrap_script(bootstrap), "      "), kUnitFile,
      indented(kBootstrapUnit, "      "));
}

std::string pi_first_run(const Bootstrap& bootstrap) {
  return fmt::format(
      R"(#!/bin/sh
# firstrun.sh for Raspberry Pi OS: installs HiveMind's agent at the first boot and enrols the machine with the hub.
# Put it on the boot partition of the card, and append this to the one line of cmdline.txt there:
#   systemd.run=/boot/firmware/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target
# It holds an enrolment token: give the card to nobody else before it has booted.
set -eu

cat >{} <<'BOOTSTRAP'
{}BOOTSTRAP
chmod 700 {}

cat >{} <<'UNIT_OF_BOOTSTRAP'
{}UNIT_OF_BOOTSTRAP
chmod 644 {}

# There is no network yet: the service does the rest after the reboot.
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -sf {} /etc/systemd/system/multi-user.target.wants/hivemind-bootstrap.service

for boot in /boot/firmware /boot; do
  if [ -f "$boot/cmdline.txt" ]; then sed -i 's| systemd\.[^ ]*||g' "$boot/cmdline.txt"; fi
  rm -f "$boot/firstrun.sh"
done
exit 0
)",
      kScriptFile, bootstrap_script(bootstrap), kScriptFile, kUnitFile, kBootstrapUnit, kUnitFile, kUnitFile);
}

}  // namespace hivemind::hub::cli
