// Compiled with the include roots of sim: a header of an upper layer must not be found.
#include "zerotail/exfat/mkfs.h"
#include "zerotail/sim/result.h"

int main() { return zerotail::sim::Status().ok() ? 0 : 1; }
