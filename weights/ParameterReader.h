// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Random access to the value of a parameter (an ml_program.global) without
// making it whole in memory.

#ifndef MOEC_WEIGHTS_PARAMETERREADER_H
#define MOEC_WEIGHTS_PARAMETERREADER_H

#include "mlir/IR/Attributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "weights/SourceFiles.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"
#include <memory>

namespace moec {

/// A tensor seen as rows: all dimensions but the last, and the last. A tensor
/// of rank 0 or 1 is one row.
struct RowBlock {
  int64_t row = 0;
  int64_t rows = 0;
  int64_t column = 0;
  int64_t columns = 0;
};

/// What is read of values that are quantised: the values, or one of the tables
/// that make them (see encodings/Blocks.h), the same expression of each
/// tensor's table. Codes are i8 and as many as the values; of scales and
/// offsets, f32, one stands for each block of a row.
enum class Component { Values, Codes, Scales, Offsets };

class ParameterReader {
public:
  /// A node of the value's expression.
  class Node;

  /// Checks `value` (#moe.source, #moe.expr, #moe.quantized, #moe.random or
  /// dense elements)
  /// against `type`. Reads no weights. Errors name the parameter, and the file
  /// and tensor where there are any. `files` must live as long as the reader.
  static llvm::Expected<std::unique_ptr<ParameterReader>>
  create(mlir::Attribute value, mlir::RankedTensorType type,
         llvm::StringRef name, SourceFiles &files,
         Component component = Component::Values);
  ~ParameterReader();

  mlir::RankedTensorType getType() const { return type; }
  int64_t getNumRows() const { return numRows; }
  int64_t getNumColumns() const { return numColumns; }
  int64_t getElementSize() const { return elementSize; }
  int64_t getRowBytes() const { return numColumns * elementSize; }

  /// Reads a block, row-major without gaps, as the elements' bytes. Uses memory
  /// of the block's size at most. Thread-safe.
  llvm::Error read(const RowBlock &block,
                   llvm::MutableArrayRef<char> out) const;

private:
  ParameterReader(mlir::RankedTensorType type, llvm::StringRef name);

  mlir::RankedTensorType type;
  std::string name;
  std::unique_ptr<Node> root;
  int64_t numRows = 1;
  int64_t numColumns = 1;
  int64_t elementSize = 0;
};

/// The rank that `value` has by itself, or nothing where any type would do
/// (#moe.random).
llvm::Expected<std::optional<int64_t>> getValueRank(mlir::Attribute value,
                                                    SourceFiles &files);

} // namespace moec

#endif // MOEC_WEIGHTS_PARAMETERREADER_H
