#include "zerotail/mm/errseq.h"

#include <gtest/gtest.h>

namespace zerotail::mm {
namespace {

using sim::Errno;

TEST(ErrSeq, EveryDescriptorHearsOfAnErrorOnce) {
  ErrSeq errors;
  ErrSeq::Sample a = errors.sample();
  ErrSeq::Sample b = errors.sample();
  errors.record(Errno::kIo);
  EXPECT_EQ(errors.check_and_advance(a), Errno::kIo);
  EXPECT_EQ(errors.check_and_advance(a), Errno::kOk);
  EXPECT_EQ(errors.check_and_advance(b), Errno::kIo);
}

TEST(ErrSeq, ALaterOpenerHearsOfAnErrorNobodyHasSeen) {
  ErrSeq errors;
  errors.record(Errno::kIo);
  ErrSeq::Sample late = errors.sample();
  EXPECT_EQ(errors.check_and_advance(late), Errno::kIo);
}

TEST(ErrSeq, ALaterOpenerDoesNotHearOfAnErrorSeenBefore) {
  ErrSeq errors;
  ErrSeq::Sample first = errors.sample();
  errors.record(Errno::kIo);
  EXPECT_EQ(errors.check_and_advance(first), Errno::kIo);
  ErrSeq::Sample late = errors.sample();
  EXPECT_EQ(errors.check_and_advance(late), Errno::kOk);
}

TEST(ErrSeq, ASecondErrorIsReportedAfterTheFirstWasSeen) {
  ErrSeq errors;
  ErrSeq::Sample sample = errors.sample();
  errors.record(Errno::kIo);
  EXPECT_EQ(errors.check_and_advance(sample), Errno::kIo);
  errors.record(Errno::kNoSpc);
  EXPECT_EQ(errors.check_and_advance(sample), Errno::kNoSpc);
}

}  // namespace
}  // namespace zerotail::mm
