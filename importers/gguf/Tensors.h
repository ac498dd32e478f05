// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors of a GGUF file as parameters.

#ifndef MOEC_IMPORTERS_GGUF_TENSORS_H
#define MOEC_IMPORTERS_GGUF_TENSORS_H

#include "importers/LayerSpec.h"
#include "weights/Gguf.h"
#include "weights/SourceFiles.h"
#include "llvm/ADT/Twine.h"

namespace moec::gguf {

class Tensors {
public:
  /// `file` was opened from `path` and outlives this object.
  Tensors(const GgufFile &file, llvm::StringRef path,
          mlir::MLIRContext *context);

  bool has(const llvm::Twine &name) const;
  /// Whether the name of any tensor begins with this.
  bool hasPrefix(llvm::StringRef prefix) const;
  /// Empty where it is missing.
  llvm::ArrayRef<int64_t> getShape(const llvm::Twine &name) const;

  /// An error where it is missing, or not of this shape, or of a type that
  /// weights do not have. Quantised tensors stay so.
  llvm::Expected<ParameterSpec> get(const llvm::Twine &name,
                                    llvm::ArrayRef<int64_t> shape);
  /// Nothing where it is missing.
  llvm::Expected<OptionalParameter> find(const llvm::Twine &name,
                                         llvm::ArrayRef<int64_t> shape);
  /// A table of whole numbers.
  llvm::Expected<ParameterSpec> getIntegers(const llvm::Twine &name,
                                            llvm::ArrayRef<int64_t> shape);
  /// The numbers of an F32 vector of `size` entries.
  llvm::Expected<std::vector<float>> readVector(const llvm::Twine &name,
                                                int64_t size) const;

  llvm::Error fail(const llvm::Twine &name, const llvm::Twine &why) const;

private:
  const TensorFile &file;
  SourceFiles files;
  std::string fileName;
  mlir::MLIRContext *context;
};

} // namespace moec::gguf

#endif // MOEC_IMPORTERS_GGUF_TENSORS_H
