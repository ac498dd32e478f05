// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Breaks a module in one place.

#ifndef MOEC_TEST_DIFFERENTIAL_MUTATEGRAPH_H
#define MOEC_TEST_DIFFERENTIAL_MUTATEGRAPH_H

#include "mlir/IR/BuiltinOps.h"
#include <random>
#include <string>

namespace moec::test {

/// Changes one drawn thing about one drawn operation of the moe dialect: a
/// result's or region argument's type, an operand (to a value of another type
/// that is there), an attribute. Says what; empty if the draw fits nowhere.
std::string mutateGraph(mlir::ModuleOp module, std::mt19937 &random);

} // namespace moec::test

#endif // MOEC_TEST_DIFFERENTIAL_MUTATEGRAPH_H
