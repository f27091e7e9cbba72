#!/bin/bash
# Installs the Debian packages that tests and benchmarks use. Without them these say what they skip, and fail where $CI is
# set; nothing that is shipped needs any of them.
set -euo pipefail

packages=(
  binutils        # strip: what a guest of the tests keeps in memory becomes smaller
  busybox-static  # a shell and tools, for a node that has nothing else
  diod            # 9P2000.L in C: its server and clients are what ours are tried with, and measured against
  fish            # completes command lines, in the tests of completions
  gcc             # compiles what the FUSE tests run and build on a mount
  git             # works on a mount, in those tests
  groff           # typesets the manual pages, and tells what is wrong in them
  iproute2        # ip: a network that is cut; ss: what the keepalive of connections is looked at with
  make            # as git
  mandoc          # as groff
  openssh-client  # ssh and ssh-keygen: keys in OpenSSH's own format, and what xrx is measured against
  openssh-server  # sshd: the targets of that measurement
  pdsh            # many ssh at once: what xrx on many nodes is measured against
  procps          # ps: what the process list is compared with
  python3         # maps files of a mount into memory
  qemu-system-x86 # emulates machines with a kernel whose 9p client mounts what we serve
  sqlite3         # keeps a database on a mount
  sshfs           # mounts files through ssh: what programs that see the user's files are measured against
  strace          # shows which descriptors and signals a program inherits
  systemd         # systemd-analyze: tells what is wrong in the units that are shipped
  util-linux      # setpriv, unshare: to become an ordinary user
  xz-utils        # unpacks that kernel
  zsh             # as fish
)

missing=()
for package in "${packages[@]}"; do
  dpkg --status "$package" 2>/dev/null | grep --quiet '^Status: install ok installed' ||
    missing+=("$package")
done

if ((${#missing[@]} == 0)); then
  echo "all there: ${packages[*]}"
elif ! command -v apt-get >/dev/null; then
  echo "skipped: no apt-get on this machine; install yourself: ${missing[*]}"
elif ((EUID != 0)); then
  echo "skipped: only root can do it: apt-get install ${missing[*]}"
else
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet
  apt-get install --quiet --yes --no-install-recommends "${missing[@]}"
fi
