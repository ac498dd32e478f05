// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The body of a linalg operation as a list of steps on numbered scalars, so
// that nothing is looked up for each element.

#ifndef MOEC_REFERENCE_SCALARBODY_H
#define MOEC_REFERENCE_SCALARBODY_H

#include "reference/ScalarOps.h"
#include <optional>

namespace moec::reference {

class ScalarBody {
public:
  /// Nothing if the block holds more than scalar operations and linalg.index.
  static std::optional<ScalarBody> compile(Interpreter &interpreter,
                                           mlir::Block &block);

  /// Reads the block's arguments, writes the terminator's operands.
  void run(llvm::ArrayRef<Scalar> arguments, llvm::ArrayRef<int64_t> point,
           llvm::MutableArrayRef<Scalar> yielded);

private:
  struct Step {
    ScalarFn fn; ///< null: linalg.index
    llvm::SmallVector<unsigned, 3> operands;
    unsigned result;
    unsigned dimension;
    /// Integers wrap after each step; null for floats, which are not rounded.
    mlir::Type integerType;
  };

  unsigned number(Interpreter &interpreter, mlir::Value value,
                  mlir::Block &block);

  llvm::DenseMap<mlir::Value, unsigned> numbers;
  std::vector<Scalar> values; ///< arguments first, captures preset
  std::vector<Step> steps;
  llvm::SmallVector<unsigned> yields;
};

} // namespace moec::reference

#endif // MOEC_REFERENCE_SCALARBODY_H
