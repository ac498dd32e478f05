// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How far a long compilation is, for a person.

#ifndef MOEC_TOOLS_DRIVER_PROGRESSLINE_H
#define MOEC_TOOLS_DRIVER_PROGRESSLINE_H

#include "llvm/Support/raw_ostream.h"
#include <cstdint>

namespace moec {

/// Says "moec: 3.2 of 30.1 GB of weights written": on a terminal as one line
/// that is rewritten, elsewhere as a line now and then. Compilations of less
/// than some seconds say nothing.
class ProgressLine {
public:
  ProgressLine(llvm::raw_ostream &stream, bool isTerminal)
      : stream(stream), isTerminal(isTerminal) {}

  /// `seconds` since any fixed moment. `written` of `total` bytes are there.
  void report(uint64_t written, uint64_t total, double seconds);

  /// To be called before other text: ends a line that would be rewritten.
  void endLine();

private:
  llvm::raw_ostream &stream;
  bool isTerminal;
  double next = -1; ///< when to speak again; below 0: not asked yet
  bool hasSpoken = false;
  bool isOpen = false; ///< the last line has no end yet
};

} // namespace moec

#endif // MOEC_TOOLS_DRIVER_PROGRESSLINE_H
