// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The parts of tokenizer.json. Private to this folder.

#ifndef MOEC_TOOLS_TOKENIZER_TOKENIZERJSON_H
#define MOEC_TOOLS_TOKENIZER_TOKENIZERJSON_H

#include "tools/tokenizer/Tokenizer.h"
#include <nlohmann/json.hpp>

namespace moec::tokenizer {

using Json = nlohmann::json;

/// Every function is false, and `error` says why, for what it does not
/// understand.
class JsonReader {
public:
  std::string error;

  bool readModel(const Json &value, BytePairs &model);
  bool readAddedTokens(const Json &value, std::vector<AddedToken> &added);
  bool readNormalizer(const Json &value, Splitter &splitter, int depth = 0);
  bool readPreTokenizer(const Json &value, Splitter &splitter, int depth = 0);
  bool readTemplate(const Json &value, std::vector<int32_t> &prefix,
                    std::vector<int32_t> &suffix, int depth = 0);
  static bool stripsFirstSpace(const Json &decoder);

private:
  bool fail(const std::string &text);
  bool readSplit(const Json &value, Splitter &splitter);
  bool readMerge(const Json &value, BytePairs &model);
  std::shared_ptr<const Pattern> readPattern(const Json &step);
};

} // namespace moec::tokenizer

#endif // MOEC_TOOLS_TOKENIZER_TOKENIZERJSON_H
