# What each mark of ext4.sh promises. Arguments: the last mark that was passed, the image.
# Exit code 0: it is there.
e2fsck -E journal_only -y "$2" >/dev/null 2>&1
size() { debugfs -R "stat $1" "$2" 2>/dev/null | sed -n 's/.*Size: *//p' | head -n 1; }
case $1 in
  a_is_one) case $(size d/a "$2") in 5000 | 10000) ;; *) exit 1 ;; esac ;;
  b_is_two) case "$(size b "$2") $(size d/b "$2")" in "9000 " | " 9000") ;; *) exit 1 ;; esac ;;
  a_has_grown) case $(size d/a "$2") in 10000 | 3000) ;; *) exit 1 ;; esac ;;
  a_is_three) test "$(size d/a "$2")" = 3000 ;;
  b_is_short) test "$(size d/b "$2")" = 1000 || test -n "$(size f "$2")" ;;
  d_is_gone) test -z "$(size d "$2")" && test -n "$(size f "$2")" ;;
esac
