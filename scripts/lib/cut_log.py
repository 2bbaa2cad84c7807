"""Copies a dm-log-writes log without what stands behind its last entry. Arguments: FROM TO."""

import struct
import sys

MAGIC = 0x6A736677736872
DISCARD = 4


def length_of(log):
    magic, _, entries, sector = struct.unpack_from("<QQQI", log)
    if magic != MAGIC:
        sys.exit("zerotail: %s: is no dm-log-writes log" % sys.argv[1])
    position = sector
    for _ in range(entries):
        _, sectors, flags, _ = struct.unpack_from("<QQQQ", log, position)
        position += sector * (1 + (0 if flags & DISCARD else sectors))
    return position


def main():
    with open(sys.argv[1], "rb") as file:
        log = file.read()
    with open(sys.argv[2], "wb") as file:
        file.write(log[: length_of(log)])


if __name__ == "__main__":
    main()
