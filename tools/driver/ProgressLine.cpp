// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tools/driver/ProgressLine.h"
#include "llvm/Support/Format.h"

using namespace moec;

/// Seconds before the first word, and between two words.
static constexpr double kPatience = 3, kTerminalPeriod = 0.25, kPeriod = 10;

void ProgressLine::report(uint64_t written, uint64_t total, double seconds) {
  if (next < 0)
    next = seconds + kPatience;
  bool isLast = hasSpoken && written == total;
  if (seconds < next && !isLast)
    return;
  next = seconds + (isTerminal ? kTerminalPeriod : kPeriod);
  hasSpoken = true;
  if (isTerminal)
    stream << '\r';
  stream << llvm::format("moec: %.1f of %.1f GB of weights written",
                         written / 1e9, total / 1e9);
  isOpen = true;
  if (!isTerminal || isLast)
    endLine();
  stream.flush();
}

void ProgressLine::endLine() {
  if (isOpen)
    stream << '\n';
  isOpen = false;
}
