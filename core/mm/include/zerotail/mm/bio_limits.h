// How large a bio of the page cache becomes.
#pragma once

#include <cstddef>

namespace zerotail::mm {

// Pieces of memory (BIO_MAX_VECS).
inline constexpr size_t kMaxBioSegments = 256;

}  // namespace zerotail::mm
