// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors that one #moe.quantized is made of, and the formats by family.
// Private to this folder.

#ifndef MOEC_WEIGHTS_QUANTIZEDOPERANDS_H
#define MOEC_WEIGHTS_QUANTIZEDOPERANDS_H

#include "weights/QuantizedNode.h"
#include "llvm/ADT/Twine.h"

namespace moec {

/// A tensor of floats that is read as f32.
struct FloatOperand {
  ParameterNodePtr node;
  mlir::Type type;

  llvm::Error read(const RowBlock &block, float *out) const;
};

class QuantizedOperands {
public:
  QuantizedOperands(moe::QuantizedAttr attr, SourceFiles &files)
      : attr(attr), files(files) {}

  moe::QuantizedAttr getAttr() const { return attr; }
  SourceFiles &getFiles() const { return files; }
  size_t size() const { return attr.getOperands().size(); }

  /// An error of this attribute.
  llvm::Error fail(const llvm::Twine &text) const;
  /// Operand `index`, whose elements are of `type`, `dtype` in a message.
  llvm::Expected<ParameterNodePtr> open(size_t index, mlir::Type type,
                                        llvm::StringRef dtype) const;
  /// Operand `index`, of floats of any type.
  llvm::Expected<FloatOperand> openFloats(size_t index) const;
  /// Operand `index` has rows: rank 2 or more.
  llvm::Error expectRows(size_t index, llvm::ArrayRef<int64_t> found) const;
  llvm::Error expectShape(size_t index, llvm::ArrayRef<int64_t> found,
                          llvm::ArrayRef<int64_t> expected) const;

private:
  moe::QuantizedAttr attr;
  SourceFiles &files;
};

/// gptq, gptq_v2, awq and int4_packed.
llvm::Expected<std::unique_ptr<QuantizedTensor>>
openPackedWords(const QuantizedOperands &operands);

/// uint_packed.
llvm::Expected<std::unique_ptr<QuantizedTensor>>
openPackedBytes(const QuantizedOperands &operands);

} // namespace moec

#endif // MOEC_WEIGHTS_QUANTIZEDOPERANDS_H
