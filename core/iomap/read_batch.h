// Reads into locked folios, mapping by mapping.
#pragma once

#include "zerotail/iomap/iomap_file.h"
#include "zerotail/mm/folio_reads.h"

namespace zerotail::iomap {

class ReadBatch {
 public:
  explicit ReadBatch(IomapFile& file)
      : file_(file), reads_(file.cache(), file.device(), file.data_tag()) {}

  // Fills what is not uptodate in a locked folio; takes over the lock.
  void add(mm::LockedFolio folio);
  // Submits what was added and waits.
  void finish() { reads_.finish(); }

 private:
  sim::Status map_folio(mm::Folio& folio);

  IomapFile& file_;
  mm::FolioReads reads_;
};

}  // namespace zerotail::iomap
