// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The spine of the dialect: the one file that CMake names.

include "dialects/moe/MoeDialect.td"
include "dialects/moe/MoeInterfaces.td"
include "dialects/moe/MoeTypes.td"
include "dialects/moe/MoeAttributes.td"
include "dialects/moe/MoeState.td"
include "dialects/moe/MoeOps.td"
