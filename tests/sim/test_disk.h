// Short ways to talk to a device in tests: sectors filled with one byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zerotail/sim/block_device.h"
#include "zerotail/sim/sector_reader.h"

namespace zerotail::sim {

inline std::vector<std::byte> filled(size_t sector_count, int value) {
  return std::vector<std::byte>(bytes(SectorCount{sector_count}).value(),
                                static_cast<std::byte>(value));
}

inline int byte_at(const SectorReader& disk, uint64_t sector) {
  return std::to_integer<int>(*disk.sector(Sector{sector}));
}

struct WriteFlags {
  bool preflush = false;
  bool fua = false;
};

// For devices that complete at once.
inline Errno write(BlockDevice& device, uint64_t sector, size_t count, int value,
                   WriteFlags flags = {}) {
  std::vector<std::byte> data = filled(count, value);
  Bio bio;
  bio.op = BioOp::kWrite;
  bio.sector = Sector{sector};
  bio.count = SectorCount{count};
  bio.segments = {data};
  bio.preflush = flags.preflush;
  bio.fua = flags.fua;
  device.submit(bio);
  return bio.status;
}

inline Errno simple(BlockDevice& device, BioOp op, uint64_t sector = 0, uint64_t count = 0) {
  Bio bio;
  bio.op = op;
  bio.sector = Sector{sector};
  bio.count = SectorCount{count};
  device.submit(bio);
  return bio.status;
}

// The first byte of a sector as the device returns it; -1 when the read fails.
inline int read_byte(BlockDevice& device, uint64_t sector) {
  std::vector<std::byte> data(device.info().logical_block.value());
  Bio bio;
  bio.op = BioOp::kRead;
  bio.sector = Sector{sector};
  bio.count = sectors(ByteCount{data.size()});
  bio.segments = {data};
  device.submit(bio);
  return bio.status == Errno::kOk ? std::to_integer<int>(data[0]) : -1;
}

}  // namespace zerotail::sim
