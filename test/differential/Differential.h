// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One module by the reference interpreter and by compiled code.

#ifndef MOEC_TEST_DIFFERENTIAL_DIFFERENTIAL_H
#define MOEC_TEST_DIFFERENTIAL_DIFFERENTIAL_H

#include "test/differential/TestContext.h"

namespace moec::test {

class Differential : TestContext {
public:
  /// Parses the module and compiles its function "layers.0.moe" for `level`,
  /// leaving out the passes named in `disabled`. Failures are test failures.
  Differential(const std::string &text, const std::string &level,
               std::vector<std::string> disabled = {});

  bool isCompiled() const { return code != nullptr; }
  /// The module after the passes on the grouped dialect.
  std::string printGrouped();

  /// Runs `tokens` random rows both ways and compares: floats within 1e-4 of
  /// the largest, integers exactly, and compiled results bit by bit for 1, 2
  /// and 3 workers.
  void compare(int64_t tokens);

private:
  mlir::OwningOpRef<mlir::ModuleOp> source;
  std::unique_ptr<Compiled> code;
};

/// ISA levels that this machine runs.
std::vector<std::string> getHostLevels();

} // namespace moec::test

#endif // MOEC_TEST_DIFFERENTIAL_DIFFERENTIAL_H
