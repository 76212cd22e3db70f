#!/usr/bin/env bash
# A fresh ext4 for benchmarks, in a file, on a loop device with direct I/O: neither the host's page cache nor the age of
# its file system reaches the numbers. Needs root.
#   bench/machine/disk.sh MOUNT [SIZE=8G]   makes MOUNT.img and mounts it at MOUNT
#   bench/machine/disk.sh remove MOUNT      takes both away again
set -euo pipefail

usage() { sed -n 's/^#   //p' "$0" >&2; exit 2; }
fail() { echo "disk.sh: $*" >&2; exit 1; }

[ $# -ge 1 ] || usage
[ "$(id -u)" = 0 ] || fail 'needs root'

if [ "$1" = remove ]; then
  [ $# = 2 ] || usage
  mount=$(realpath "$2")
  device=$(findmnt --noheadings --output SOURCE --mountpoint "$mount") || fail "nothing is mounted at $mount"
  # Only what this script made is taken away.
  file=$(losetup --noheadings --output BACK-FILE "$device" 2>/dev/null) || fail "$device is no loop device"
  [ "$file" = "$mount.img" ] || fail "$mount is on $file, not on $mount.img"
  umount "$mount"
  losetup --detach "$device"
  rm "$mount.img"
  rmdir "$mount"
  exit
fi

[ $# -le 2 ] || usage
mkdir -p "$1"
mount=$(realpath "$1")
image=$mount.img
[ -z "$(ls -A "$mount")" ] || fail "$mount is not empty"
[ ! -e "$image" ] || fail "$image exists"

device=
undo() { [ -z "$device" ] || losetup --detach "$device"; rm -f "$image"; rmdir "$mount"; }
trap undo EXIT
truncate --size "${2:-8G}" "$image"
# Tables are written now, else the kernel would write them while something is measured.
mkfs.ext4 -q -E lazy_itable_init=0,lazy_journal_init=0 "$image"
device=$(losetup --find --show --direct-io=on "$image")
mount "$device" "$mount"
trap - EXIT
findmnt "$mount" >&2
