// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The spine of the dialect: the one file that CMake names.

include "dialects/grouped/GroupedDialect.td"
include "dialects/grouped/GroupedAttributes.td"
include "dialects/grouped/GroupedOps.td"
include "dialects/grouped/GroupedRouting.td"
