// Look-ups in a view and the bytes of a file.
#include "zerotail/harness/check_view.h"

#include <algorithm>
#include <cstring>

namespace zerotail::harness {

std::shared_ptr<const TreeNode> VolumeView::find_in(const DirectoryView& directory,
                                                    std::string_view name) const {
  const std::u16string wanted = to_utf16(name);
  const uint32_t key = upcase->name_key(wanted);
  for (size_t i = 0; i < directory.nodes.size(); ++i) {
    if (directory.name_keys[i] != key) continue;
    const auto& node = directory.nodes[i];
    if (node->set->usable() && upcase->same_name(node->set->name, wanted)) return node;
  }
  return nullptr;
}

std::shared_ptr<const TreeNode> VolumeView::find(std::string_view path) const {
  const DirectoryView* directory = root.get();
  std::shared_ptr<const TreeNode> node;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    if (part.empty()) continue;
    if (directory == nullptr) return nullptr;
    node = find_in(*directory, part);
    if (node == nullptr) return nullptr;
    directory = node->child.get();
  }
  return node;
}

namespace {

// The medium behind [pos, end): as many pieces as the runs have, then what is missing.
void medium_pieces(const CheckGeometry& g, const Chain& chain, uint64_t pos, uint64_t end,
                   std::vector<FilePiece>& pieces) {
  uint64_t run_begin = 0;  // file position of the run
  for (const ClusterRun& run : chain.runs) {
    const uint64_t run_end = run_begin + run.count.value() * g.cluster_size.value();
    if (pos < run_end && pos < end) {
      const uint64_t stop = std::min(run_end, end);
      const sim::DevPos dev =
          sim::dev_pos(g.sector_of(run.first)) + sim::ByteCount{pos - run_begin};
      pieces.push_back({.pos = sim::FilePos{pos},
                        .length = sim::ByteCount{stop - pos},
                        .source = FilePiece::Source::kMedium,
                        .dev = dev});
      pos = stop;
    }
    run_begin = run_end;
  }
  if (pos < end) {
    pieces.push_back({.pos = sim::FilePos{pos},
                      .length = sim::ByteCount{end - pos},
                      .source = FilePiece::Source::kMissing,
                      .dev = {}});
  }
}

}  // namespace

std::vector<FilePiece> file_pieces(const CheckGeometry& geometry, const TreeNode& node,
                                   sim::FilePos pos, sim::ByteCount length) {
  std::vector<FilePiece> pieces;
  if (node.chain == nullptr) return pieces;
  const uint64_t size = node.set->data_length;
  const uint64_t valid = std::min(node.set->valid_data_length, size);
  const uint64_t begin = pos.value();
  if (begin >= size) return pieces;
  const uint64_t end = begin + std::min(length.value(), size - begin);
  if (begin < valid) medium_pieces(geometry, *node.chain, begin, std::min(end, valid), pieces);
  const uint64_t zero = std::max(begin, valid);
  if (zero < end) {
    pieces.push_back({.pos = sim::FilePos{zero},
                      .length = sim::ByteCount{end - zero},
                      .source = FilePiece::Source::kZero,
                      .dev = {}});
  }
  return pieces;
}

sim::ByteCount read_file(const sim::SectorReader& disk, const CheckGeometry& geometry,
                         const TreeNode& node, sim::FilePos pos, std::span<std::byte> out) {
  uint64_t done = 0;
  for (const FilePiece& piece : file_pieces(geometry, node, pos, sim::ByteCount{out.size()})) {
    const std::span<std::byte> part = out.subspan(done, piece.length.value());
    switch (piece.source) {
      case FilePiece::Source::kMedium:
        disk.read(piece.dev, part);
        break;
      case FilePiece::Source::kZero:
        std::memset(part.data(), 0, part.size());
        break;
      case FilePiece::Source::kMissing:
        return sim::ByteCount{done};
    }
    done += part.size();
  }
  return sim::ByteCount{done};
}

}  // namespace zerotail::harness
