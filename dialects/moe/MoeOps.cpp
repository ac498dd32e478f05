// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "dialects/moe/Moe.h"

using namespace mlir;
using namespace moec::moe;

#define GET_OP_CLASSES
#include "dialects/moe/MoeOps.cpp.inc"

MutableOperandRange CombineOp::getDpsInitsMutable() { return getInitMutable(); }

MutableOperandRange SlotsOp::getDpsInitsMutable() { return getInitMutable(); }
