#!/usr/bin/env bash
# A fresh ext4 on a loop device with direct I/O, on which timings are steady. Needs root.
#   bench/disk.sh make IMAGE MOUNT [SIZE=8G]
#   bench/disk.sh remove IMAGE MOUNT
set -euo pipefail
what=${1:?make or remove} image=${2:?image file} mount=${3:?mount point}
case $what in
  make)
    truncate -s "${4:-8G}" "$image"
    mkfs.ext4 -q -F "$image"
    mkdir -p "$mount"
    mount "$(losetup --find --show --direct-io=on "$image")" "$mount"
    ;;
  remove)
    umount "$mount"
    losetup --associated "$image" --output NAME --noheadings | xargs -r losetup --detach
    rm -f "$image"
    ;;
  *)
    echo "make or remove" >&2
    exit 2
    ;;
esac
