// Compiled with the include roots of sim: what stands in sim is found. The counterpart of
// upward_include.cc, so that the latter cannot fail for another reason.
#include "zerotail/sim/result.h"

int main() { return zerotail::sim::Status().ok() ? 0 : 1; }
