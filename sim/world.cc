#include "zerotail/sim/world.h"

namespace zerotail::sim {

Errno submit_and_wait(Scheduler& scheduler, BlockDevice& device, Bio& bio) {
  Completion completion(scheduler);
  bio.status = Errno::kOk;
  bio.done = false;
  bio.end_io = [&completion](Bio&) { completion.complete(); };
  device.submit(bio);
  completion.wait("I/O");
  return bio.status;
}

Errno read_sectors(Scheduler& scheduler, BlockDevice& device, Sector sector,
                   std::span<std::byte> out, IoTag tag) {
  Bio bio;
  bio.op = BioOp::kRead;
  bio.sector = sector;
  bio.count = sectors(ByteCount{out.size()});
  bio.segments = {out};
  bio.tag = tag;
  return submit_and_wait(scheduler, device, bio);
}

Errno write_sectors(Scheduler& scheduler, BlockDevice& device, Sector sector,
                    std::span<const std::byte> data, IoTag tag) {
  Bio bio;
  bio.op = BioOp::kWrite;
  bio.sector = sector;
  bio.count = sectors(ByteCount{data.size()});
  // A write's segments are only read from (bio.h).
  bio.segments = {std::span<std::byte>(const_cast<std::byte*>(data.data()), data.size())};
  bio.tag = tag;
  return submit_and_wait(scheduler, device, bio);
}

Errno flush(Scheduler& scheduler, BlockDevice& device) {
  Bio bio;
  bio.op = BioOp::kFlush;
  return submit_and_wait(scheduler, device, bio);
}

}  // namespace zerotail::sim
