#include <algorithm>
#include <cstring>

#include "zerotail/harness/model.h"

namespace zerotail::harness {

void FileContent::write(uint64_t pos, std::span<const std::byte> data) {
  if (data.empty()) return;
  const uint64_t last = (pos + data.size() - 1) / kChunk;
  if (last >= chunks_.size()) chunks_.resize(last + 1);
  for (uint64_t done = 0; done < data.size();) {
    const uint64_t at = pos + done;
    const uint64_t offset = at % kChunk;
    const uint64_t part = std::min<uint64_t>(kChunk - offset, data.size() - done);
    std::shared_ptr<const Chunk>& slot = chunks_[at / kChunk];
    auto chunk = slot ? std::make_shared<Chunk>(*slot) : std::make_shared<Chunk>();
    std::memcpy(chunk->data() + offset, data.data() + done, part);
    slot = std::move(chunk);
    done += part;
  }
}

void FileContent::truncate(uint64_t size) {
  const uint64_t whole = (size + kChunk - 1) / kChunk;
  if (whole < chunks_.size()) chunks_.resize(whole);
  const uint64_t tail = size % kChunk;
  if (tail == 0 || whole > chunks_.size() || chunks_.back() == nullptr) return;
  auto chunk = std::make_shared<Chunk>(*chunks_.back());
  std::fill(chunk->begin() + static_cast<ptrdiff_t>(tail), chunk->end(), std::byte{0});
  chunks_.back() = std::move(chunk);
}

void FileContent::read(uint64_t pos, std::span<std::byte> out) const {
  for (uint64_t done = 0; done < out.size();) {
    const uint64_t at = pos + done;
    const uint64_t offset = at % kChunk;
    const uint64_t part = std::min<uint64_t>(kChunk - offset, out.size() - done);
    const uint64_t index = at / kChunk;
    if (index < chunks_.size() && chunks_[index] != nullptr) {
      std::memcpy(out.data() + done, chunks_[index]->data() + offset, part);
    } else {
      std::memset(out.data() + done, 0, part);
    }
    done += part;
  }
}

}  // namespace zerotail::harness
