// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The tensors of a Hugging Face directory: model.safetensors, or shards with
// model.safetensors.index.json.

#ifndef MOEC_IMPORTERS_HF_CHECKPOINT_H
#define MOEC_IMPORTERS_HF_CHECKPOINT_H

#include "importers/LayerSpec.h"
#include "importers/hf/Quantization.h"
#include "weights/SourceFiles.h"
#include <memory>

namespace moec {

class Checkpoint {
public:
  static llvm::Expected<Checkpoint> open(llvm::StringRef directory,
                                         mlir::MLIRContext *context);

  /// How quantised weights are stored; none, as long as nothing is said.
  void setQuantization(const hf::Quantization &value) { quantization = value; }

  /// Whether a file has, or the index promises, this tensor or the tensors that
  /// stand for it when it is quantised.
  bool has(llvm::StringRef tensor) const;
  /// Whether it is stored as blocks of MXFP4: [.., out, in], whatever the
  /// layout of the tensor that they stand for.
  bool isBlocks(llvm::StringRef tensor) const;

  /// The parameter that is this tensor, or the quantised one that stands for
  /// it. An error where it is missing, or is not of this shape, or not of a
  /// type that weights can have.
  llvm::Expected<ParameterSpec> get(llvm::StringRef tensor,
                                    llvm::ArrayRef<int64_t> shape);

  /// The stack of equally shaped tensors, one for each name.
  llvm::Expected<ParameterSpec> getStack(llvm::ArrayRef<std::string> tensors,
                                         llvm::ArrayRef<int64_t> shape);

  /// The table of whole numbers that is this tensor.
  llvm::Expected<ParameterSpec> getIntegers(llvm::StringRef tensor,
                                            llvm::ArrayRef<int64_t> shape);

  /// The tensor's shape; empty where it is missing or its file is broken.
  llvm::ArrayRef<int64_t> getShape(llvm::StringRef tensor) const;
  int64_t getRank(llvm::StringRef tensor) const {
    return getShape(tensor).size();
  }

  /// The file that says which tensors there are, for a message.
  llvm::StringRef getPath() const { return path; }

private:
  Checkpoint(llvm::StringRef directory, mlir::MLIRContext *context)
      : context(context), files(std::make_unique<SourceFiles>(directory)) {}
  llvm::Error readIndex();
  bool hasTensor(llvm::StringRef tensor) const {
    return fileOf.find(tensor) != fileOf.end();
  }
  mlir::Attribute makeSourceAttr(llvm::StringRef tensor) const;
  ParameterSpec makeQuantized(moe::QuantizedFormat format,
                              llvm::ArrayRef<mlir::Attribute> operands,
                              llvm::ArrayRef<int64_t> block) const;
  llvm::Expected<ParameterSpec> getBlocks(llvm::StringRef tensor,
                                          llvm::ArrayRef<int64_t> shape) const;
  llvm::Expected<ParameterSpec> getFloat8(llvm::StringRef tensor,
                                          llvm::ArrayRef<int64_t> shape) const;
  llvm::Expected<ParameterSpec> getPacked(llvm::StringRef base,
                                          llvm::ArrayRef<int64_t> shape) const;
  /// An error unless the tensor is there with this dtype ("": any type of
  /// floats) and shape.
  llvm::Error expectTensor(llvm::StringRef tensor, llvm::StringRef dtype,
                           llvm::ArrayRef<int64_t> shape) const;

  mlir::MLIRContext *context;
  std::unique_ptr<SourceFiles> files;
  std::string path;
  hf::Quantization quantization;
  llvm::StringMap<std::string> fileOf; ///< tensor -> file name
};

} // namespace moec

#endif // MOEC_IMPORTERS_HF_CHECKPOINT_H
