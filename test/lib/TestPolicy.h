// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A dialect for tests only, with a selection policy that the compiler does not
// know.

#ifndef MOEC_TEST_LIB_TESTPOLICY_H
#define MOEC_TEST_LIB_TESTPOLICY_H

#include "mlir/IR/DialectRegistry.h"

namespace moec::test {

/// Adds the `test` dialect: `#test.bottom_k<k>` selects the k lowest scores.
void registerTestPolicy(mlir::DialectRegistry &registry);

} // namespace moec::test

#endif // MOEC_TEST_LIB_TESTPOLICY_H
