// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Borrowed DLPack tensors as the tensors of a frame, checked against a
// signature.

#ifndef MOEC_RUNTIME_TENSORS_H
#define MOEC_RUNTIME_TENSORS_H

#include "runtime/Error.h"
#include "runtime/Module.h"
#include "runtime/schema/Prelude.h"

namespace moec::runtime {

/// Sizes of a function's symbols, -1 where not known yet.
struct SymbolSizes {
  int64_t sizes[schema::maxSymbols];
  explicit SymbolSizes(const moec_function &function) {
    for (uint32_t i = 0; i < function.numSymbols; ++i)
      sizes[i] = -1;
  }
};

/// What a tensor is called in messages: "WHERE: KIND 'NAME' ..".
struct TensorPlace {
  const char *where; ///< function or file
  const char *kind;  ///< "argument"
  const char *name;
};

/// Whether `tensor` is dense host memory of this type and shape. Data may be
/// null only without elements.
moec_status checkDense(const TensorPlace &place, const DLTensor *tensor,
                       int32_t dtype, bool needData, uint64_t &bytes,
                       moec_error *error);

/// Checks the tensor against its type, learns or compares symbol sizes, and
/// fills the frame's tensor. `kind` is "argument" or "result". Without
/// `needData` the data pointer is not looked at.
moec_status bindTensor(const moec_function &function, const char *kind,
                       const TensorType &type, const DLTensor *tensor,
                       bool needData, SymbolSizes &symbols, moec_tensor &bound,
                       moec_error *error);

/// Binds all arguments.
moec_status bindArguments(const moec_function &function,
                          const DLTensor *const *arguments,
                          uint32_t numArguments, bool needData,
                          SymbolSizes &symbols, moec_tensor *bound,
                          moec_error *error);

} // namespace moec::runtime

#endif // MOEC_RUNTIME_TENSORS_H
