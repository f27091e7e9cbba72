#!/bin/sh
# Installs xcpu from the directory that this script is in, or removes it.
set -eu
umask 022

usage='usage: install.sh [--prefix DIR] [--destdir DIR] [--uninstall]
Installs xcpu into DIR (/usr/local), below the root directory that --destdir
names, and makes /etc/xcpu/xcpufs.conf if that may be written. --uninstall
removes what was installed, and keeps /etc/xcpu.'

fail() {
  echo "install.sh: $1" >&2
  exit 1
}

wrong_usage() {
  echo "install.sh: $1" >&2
  echo "$usage" >&2
  exit 2
}

here=$(cd "$(dirname "$0")" && pwd)
prefix=/usr/local destdir='' uninstall=no
# The copy that was installed knows where.
if [ -f "$here/installed" ]; then prefix=${here%/lib/xcpu}; fi
while [ $# -gt 0 ]; do
  case $1 in
  --prefix=*) prefix=${1#*=} ;;
  --destdir=*) destdir=${1#*=} ;;
  --prefix | --destdir)
    [ $# -gt 1 ] || wrong_usage "$1: a directory is missing behind it"
    if [ "$1" = --prefix ]; then prefix=$2; else destdir=$2; fi
    shift
    ;;
  --uninstall) uninstall=yes ;;
  -h | --help)
    echo "$usage"
    exit 0
    ;;
  *) wrong_usage "$1: no such option" ;;
  esac
  shift
done
prefix=${prefix%/} destdir=${destdir%/}
case $prefix in
/*[!A-Za-z0-9/._+@-]*) fail "--prefix $prefix: letters, digits and /._+@- are possible" ;;
/*) ;;
*) fail "--prefix $prefix: it begins with /" ;;
esac
[ -d "$destdir/" ] || fail "--destdir $destdir: there is no such directory"
# The first line of a program has 127 characters on older kernels.
[ ${#prefix} -le 100 ] || fail "--prefix $prefix: it is longer than 100 characters"

# What was installed, a path on each line, as it is without --destdir; directories that were made end in a slash.
record=$destdir$prefix/lib/xcpu/installed

remove_files() {
  while read -r path; do
    case $path in
    */) ;;
    *) rm -f "$destdir$path" ;;
    esac
  done
}

remove_directories() {
  grep '/$' | sort -r | while read -r path; do
    rmdir "$destdir$path" 2>/dev/null || :
  done
}

if [ "$uninstall" = yes ]; then
  [ -f "$record" ] || fail "nothing is installed in $destdir$prefix: $record is missing"
  list=$(cat "$record")
  echo "$list" | remove_files
  rm -f "$record"
  echo "$list" | remove_directories
  echo "removed xcpu from $destdir$prefix; $destdir/etc/xcpu stays as it is"
  exit 0
fi

[ -d "$here/lib/xcpu" ] || fail "$here has nothing to install: run the script that is in the tarball"

node=''
if [ -f "$here/lib/xcpu/node" ]; then
  node=$prefix/lib/xcpu/node
  # In another root directory there may be another machine's programs.
  [ -n "$destdir" ] || "$here/lib/xcpu/node" --version >/dev/null ||
    fail "the Node.js of this tarball does not run here ($(uname -m)): it is for @ARCH@, with glibc"
fi

# Directories on the way to a path, each of which goes on record if it is new.
make_directories() {
  [ -d "$destdir$1" ] && return
  make_directories "$(dirname "$1")"
  mkdir "$destdir$1"
  echo "$1/"
}

# A file of the tarball, at once in the place of one that may be in use.
install_file() {
  from=$here/$1 to=$destdir$prefix/$1
  new=$to.new.$$
  if [ -L "$from" ]; then
    ln -s "$(readlink "$from")" "$new"
  else
    case $1 in
    lib/systemd/*) sed "s|@PREFIX@|$prefix|" "$from" >"$new" ;;
    lib/xcpu/*.cjs)
      if [ -n "$node" ]; then
        LC_ALL=C sed "1s|^#!/usr/bin/env node|#!$node|;2s| node | $node |" "$from" >"$new"
      else
        cp "$from" "$new"
      fi
      ;;
    *) cp "$from" "$new" ;;
    esac
    if [ -x "$from" ]; then chmod 755 "$new"; else chmod 644 "$new"; fi
  fi
  mv -f "$new" "$to"
  echo "$prefix/$1"
}

before=''
if [ -f "$record" ]; then before=$(cat "$record"); fi
now=$(
  cd "$here"
  find lib share bin ! -type d | sort | while read -r path; do
    make_directories "$(dirname "$prefix/$path")"
    install_file "$path"
  done
)
# install.sh itself, for --uninstall.
cp "$here/install.sh" "$destdir$prefix/lib/xcpu/install.sh"
now=$now'
'$prefix/lib/xcpu/install.sh

{
  echo "$now"
  echo "$before" | grep '/$' || :
} | sort -u >"$record.new"
mv "$record.new" "$record"
# What an earlier version had, and this one has not.
if [ -n "$before" ]; then
  echo "$before" | grep -v -x -F "$now" | remove_files || :
fi

# Only a node needs it, and whoever installs the commands for himself may write nothing there.
config=$destdir/etc/xcpu/xcpufs.conf
if [ -e "$config" ]; then
  made="kept $config"
elif mkdir -p "${config%/*}" 2>/dev/null && [ -w "${config%/*}" ]; then
  cp "$here/share/doc/xcpu/xcpufs.conf" "$config"
  made="made $config"
else
  made="no $config: ${config%/*} is not yours to write"
fi

echo "installed xcpu @VERSION@ in $destdir$prefix: $(echo "$now" | grep -c -v '/$') files"
echo "$made"
echo "to remove it: sh $destdir$prefix/lib/xcpu/install.sh --uninstall${destdir:+ --destdir $destdir --prefix $prefix}"
[ -n "$destdir" ] && exit 0
if [ -z "$node" ]; then
  node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null ||
    echo 'Node.js 20.19 or later is missing: the commands need it in PATH, as node' >&2
fi
case :$PATH: in
*":$prefix/bin:"*) ;;
*) echo "$prefix/bin is not in PATH" ;;
esac
case $(id -u)$prefix in
0/usr | 0/usr/local) ;;
0*) echo "for systemd: systemctl link $prefix/lib/systemd/system/xcpufs.service" ;;
esac
