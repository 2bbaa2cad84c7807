// Each case mixes units in a way that must not compile; without a case the file compiles, which
// shows that it fails for nothing else. Run by the CMakeLists.txt beside it.
#include "zerotail/sim/units.h"

namespace zerotail::sim {

void take_nanos(Nanos) {}
void take_sector(Sector) {}

void mix_points(Sector sector, SectorCount sector_count, FilePos file_pos, DevPos dev_position,
                Cluster cluster, ByteCount byte_count) {
  // What is right compiles.
  sector += sector_count;
  sector_count = sector - Sector{1};
  byte_count = file_pos - FilePos{0};
  dev_position = dev_position + byte_count;
  cluster = cluster + ClusterCount{1};
  take_sector(sector_at(dev_position));

#ifdef SECTOR_PLUS_BYTES
  sector = sector + byte_count;
#endif
#ifdef SECTOR_PLUS_SECTOR
  sector = sector + sector;
#endif
#ifdef SECTOR_PLUS_INTEGER
  sector = sector + 1;
#endif
#ifdef SECTOR_FROM_INTEGER
  take_sector(8);
#endif
#ifdef SECTOR_FROM_SECTOR_COUNT
  take_sector(sector_count);
#endif
#ifdef SECTOR_FROM_DEV_POS
  sector = dev_position;
#endif
#ifdef SECTOR_LESS_THAN_CLUSTER
  if (sector < cluster) return;
#endif
#ifdef FILE_POS_MINUS_DEV_POS
  byte_count = file_pos - dev_position;
#endif
#ifdef FILE_POS_FROM_DEV_POS
  file_pos = dev_position;
#endif
#ifdef FILE_POS_EQUALS_BYTES
  if (file_pos == byte_count) return;
#endif
#ifdef CLUSTER_PLUS_SECTOR_COUNT
  cluster = cluster + sector_count;
#endif
#ifdef CLUSTER_FROM_INTEGER
  cluster = 2;
#endif
}

void mix_quantities(ByteCount byte_count, SectorCount sector_count, Nanos nanos) {
  // What is right compiles.
  nanos = nanos + micros(1);
  take_nanos(nanos * 2);
  byte_count = bytes(sector_count);

#ifdef SECTOR_COUNT_FROM_BYTES
  sector_count = byte_count;
#endif
#ifdef BYTES_PLUS_SECTOR_COUNT
  byte_count = byte_count + sector_count;
#endif
#ifdef BYTES_TIMES_BYTES
  byte_count = byte_count * byte_count;
#endif
#ifdef NANOS_FROM_INTEGER
  take_nanos(5);
#endif
#ifdef NANOS_PLUS_BYTES
  nanos = nanos + byte_count;
#endif
#ifdef INTEGER_FROM_BYTES
  const uint64_t integer = byte_count;
  take_nanos(Nanos{integer});
#endif
}

}  // namespace zerotail::sim
