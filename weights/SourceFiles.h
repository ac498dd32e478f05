// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The weight files of one model directory, opened once each.

#ifndef MOEC_WEIGHTS_SOURCEFILES_H
#define MOEC_WEIGHTS_SOURCEFILES_H

#include "mlir/IR/BuiltinTypes.h"
#include "weights/TensorFile.h"
#include "llvm/ADT/StringMap.h"

namespace moec {

/// A tensor and the file that holds it.
struct SourceTensor {
  const TensorFile *file = nullptr;
  const TensorEntry *entry = nullptr;
};

class SourceFiles {
public:
  /// `directory` is what names are relative to; empty: the working directory.
  explicit SourceFiles(llvm::StringRef directory) : directory(directory) {}

  llvm::StringRef getDirectory() const { return directory; }

  /// Opens a file by its name relative to the directory. Absolute names and
  /// names with `..` are refused: a model names its own files only.
  llvm::Expected<const TensorFile *> open(llvm::StringRef name);

  /// A tensor of a file; the error names both.
  llvm::Expected<SourceTensor> find(llvm::StringRef file,
                                    llvm::StringRef tensor);

private:
  std::string directory;
  llvm::StringMap<std::unique_ptr<TensorFile>> files;
};

/// The element type of a safetensors dtype, null where MLIR has none.
mlir::Type getElementType(llvm::StringRef dtype, mlir::MLIRContext *context);

/// The safetensors dtype of an element type, empty where there is none.
llvm::StringRef getSafetensorsDtype(mlir::Type type);

} // namespace moec

#endif // MOEC_WEIGHTS_SOURCEFILES_H
