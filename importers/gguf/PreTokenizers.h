// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How text is cut into words before byte pairs are merged. GGUF files only name
// it (`tokenizer.ggml.pre`).

#ifndef MOEC_IMPORTERS_GGUF_PRETOKENIZERS_H
#define MOEC_IMPORTERS_GGUF_PRETOKENIZERS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

namespace moec::gguf {

struct PreTokenizer {
  llvm::StringRef name;
  /// Regular expressions that cut one after the other; what they match is a
  /// word, and so is what is between matches.
  llvm::ArrayRef<llvm::StringRef> patterns;
  bool ignoresMerges = false; ///< a word that is a token is taken whole
  bool addsBegin = false;     ///< without tokenizer.ggml.add_bos_token
  /// Tokens are text with U+2581 for spaces, not bytes in GPT-2's table.
  bool isText = false;
};

/// The entry of this name, or null.
const PreTokenizer *findPreTokenizer(llvm::StringRef name);

llvm::ArrayRef<PreTokenizer> getPreTokenizers();

} // namespace moec::gguf

#endif // MOEC_IMPORTERS_GGUF_PRETOKENIZERS_H
