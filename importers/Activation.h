// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Activation functions by the names that configurations use.

#ifndef MOEC_IMPORTERS_ACTIVATION_H
#define MOEC_IMPORTERS_ACTIVATION_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include <string>

namespace moec {

/// An activation: emits its scalar computation on an f32 value.
struct Activation {
  const char *name;
  mlir::Value (*build)(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value x);
};

/// The activation of this name, or null.
const Activation *findActivation(llvm::StringRef name);

/// All names, for a message.
std::string listActivations();

} // namespace moec

#endif // MOEC_IMPORTERS_ACTIVATION_H
