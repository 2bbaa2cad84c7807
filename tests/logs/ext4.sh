# Recorded as ext4.log.gz (by QEMU) and ext4-marks.log.gz (by the kernel's dm-log-writes, which keeps
# the marks): names, growth, links, renames, truncation.
mkdir d
yes one | head -c 5000 >d/a
sync d/a
mark a is one
yes two | head -c 9000 >b
ln b d/hard
ln -s d/a soft
sync b
mark b is two
mv b d/b
yes one | head -c 5000 >>d/a
sync d/a
mark a has grown
yes three | head -c 3000 >c
mv c d/a # replaces
sync d/a
mark a is three
truncate -s 1000 d/b
mkdir d/e
rm d/hard
sync d/b
mark b is short
for i in 1 2 3 4 5 6 7 8; do echo $i >"d/e/file $i"; done
mv d/e f
rm -r d
sync
mark d is gone
