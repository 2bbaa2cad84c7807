# Recorded as exfat.log.gz: names, growth, fragments, renames, truncation, with few flushes between.
mkdir d
yes one | head -c 5000 >d/a
sync d/a
yes two | head -c 9000 >b
sync b
yes one | head -c 5000 >>d/a # b stands behind it: the file becomes a chain
sync d/a
mv b d/b
sync d/b
mkdir d/e
yes three | head -c 3000 >c
mv c d/a # replaces
sync d/a
truncate -s 4000 d/b
sync d/b
rm d/b
for i in 1 2 3 4 5 6 7 8; do echo $i >"d/e/a file with a long name, number $i"; done
sync "d/e/a file with a long name, number 8"
mv d/e f
rm -r d
yes four | head -c 20000 >f/g
sync
