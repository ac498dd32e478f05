// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors of a Hugging Face directory: model.safetensors, or shards with
// model.safetensors.index.json.

#ifndef MOEC_IMPORTERS_HF_CHECKPOINT_H
#define MOEC_IMPORTERS_HF_CHECKPOINT_H

#include "importers/LayerBuilder.h"
#include "weights/SourceFiles.h"
#include <memory>

namespace moec {

class Checkpoint {
public:
  static llvm::Expected<Checkpoint> open(llvm::StringRef directory,
                                         mlir::MLIRContext *context);

  /// Whether a file has, or the index promises, this tensor.
  bool has(llvm::StringRef tensor) const {
    return fileOf.find(tensor) != fileOf.end();
  }

  /// The parameter that is this tensor. An error where it is missing, or is not
  /// of this shape, or not of a float type that weights can have.
  llvm::Expected<ParameterSpec> get(llvm::StringRef tensor,
                                    llvm::ArrayRef<int64_t> shape);

  /// The stack of equally shaped tensors, one for each name.
  llvm::Expected<ParameterSpec> getStack(llvm::ArrayRef<std::string> tensors,
                                         llvm::ArrayRef<int64_t> shape);

  /// The file that says which tensors there are, for a message.
  llvm::StringRef getPath() const { return path; }

private:
  Checkpoint(llvm::StringRef directory, mlir::MLIRContext *context)
      : context(context), files(std::make_unique<SourceFiles>(directory)) {}
  llvm::Error readIndex();

  mlir::MLIRContext *context;
  std::unique_ptr<SourceFiles> files;
  std::string path;
  llvm::StringMap<std::string> fileOf; ///< tensor -> file name
};

} // namespace moec

#endif // MOEC_IMPORTERS_HF_CHECKPOINT_H
