// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_TOKENIZER_H
#define MOEC_IMPORTERS_TOKENIZER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace moec {

/// The tokenizer of a checkpoint directory, which an artifact carries: the text
/// of its tokenizer.json with one more field, `end_ids`, the tokens that end an
/// answer. Empty where there is none.
llvm::Expected<std::string> readTokenizer(llvm::StringRef path);

} // namespace moec

#endif // MOEC_IMPORTERS_TOKENIZER_H
