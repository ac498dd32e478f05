// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The interpreter runs what the input contract lists.

#include "dialects/moe/InputContract.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "test/reference/Harness.h"
#include "llvm/ADT/StringSet.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace moec::reference;

TEST(Contract, EveryOperationIsInterpreted) {
  Program program("module {}");
  // Read by what encloses or names them.
  const llvm::StringSet<> structure = {
      "builtin.module",         "func.func",   "func.return",
      "ml_program.global",      "moe.yield",   "scf.condition",
      "scf.forall.in_parallel", "scf.yield",   "tensor.parallel_insert_slice",
      "tensor.yield",           "linalg.yield"};
  for (StringRef name : moec::moe::getInputOperations()) {
    auto registered =
        RegisteredOperationName::lookup(name, &program.getContext());
    ASSERT_TRUE(registered) << name.str() << " is no operation";
    EXPECT_TRUE(structure.contains(name) || interprets(name) ||
                registered->hasInterface<linalg::LinalgOp>())
        << name.str() << " is not interpreted";
  }
}

TEST(Contract, NothingElseIsLegal) {
  EXPECT_TRUE(moec::moe::isInputOperation("moe.select"));
  EXPECT_FALSE(moec::moe::isInputOperation("grouped.matmul"));
  EXPECT_FALSE(moec::moe::isInputOperation("memref.load"));
  EXPECT_FALSE(moec::moe::isInputOperation("moe."));
}
