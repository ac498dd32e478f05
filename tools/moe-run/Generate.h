// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Continues a text with a whole model, token by token.

#ifndef MOEC_TOOLS_MOE_RUN_GENERATE_H
#define MOEC_TOOLS_MOE_RUN_GENERATE_H

#include "tools/moe-run/Options.h"

namespace moec {

/// Writes the prompt's continuation to stdout as it comes, and tokens per
/// second to stderr. The module exports `decode` over a session and carries a
/// tokenizer.
Failure generate(const moec_module *module, const RunOptions &options);

} // namespace moec

#endif // MOEC_TOOLS_MOE_RUN_GENERATE_H
