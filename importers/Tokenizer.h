// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_TOKENIZER_H
#define MOEC_IMPORTERS_TOKENIZER_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace moec {

/// The tokenizer of a checkpoint directory or of a .gguf file, which an
/// artifact carries: the text of a tokenizer.json with one more field,
/// `end_ids`, the tokens that end an answer. Empty where there is none; `warn`
/// is told if it is of a kind that is not supported.
llvm::Expected<std::string>
readTokenizer(llvm::StringRef path,
              llvm::function_ref<void(const std::string &)> warn);

} // namespace moec

#endif // MOEC_IMPORTERS_TOKENIZER_H
