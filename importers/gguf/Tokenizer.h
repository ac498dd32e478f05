// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef MOEC_IMPORTERS_GGUF_TOKENIZER_H
#define MOEC_IMPORTERS_GGUF_TOKENIZER_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include <string>

namespace moec::gguf {

/// The vocabulary of a .gguf file (`tokenizer.ggml.*`) as readTokenizer gives
/// it. Byte-level tokens (`gpt2`) keep their merges. SentencePiece's (`llama`)
/// get one for every two tokens that make a third, ranked by its score:
/// ["a", "b", rank], the leftmost first among equal ranks. An error names the
/// file and the key; `warn` is told what kind of vocabulary is left out.
llvm::Expected<std::string>
readTokenizer(llvm::StringRef path,
              llvm::function_ref<void(const std::string &)> warn);

} // namespace moec::gguf

#endif // MOEC_IMPORTERS_GGUF_TOKENIZER_H
