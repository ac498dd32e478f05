// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Vocabularies of GGUF files and the ids that llama.cpp gives to texts
// (tools/dev/make_gguf_tokenizer_cases.py). MOEC_TOKENIZER_CASES names another
// folder of them.

#include "importers/gguf/Tokenizer.h"
#include "tools/tokenizer/Tokenizer.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace moec;
using tokenizer::Tokenizer;

namespace {

std::string getPath(const std::string &name) {
  const char *other = std::getenv("MOEC_TOKENIZER_CASES");
  return std::string(other ? other : MOEC_GGUF_INPUTS) + "/" + name;
}

std::string read(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// `file` with another pre-tokeniser, which is its last key.
std::string replacePre(std::string file, const std::string &pre) {
  const std::string key = "tokenizer.ggml.pre";
  size_t at = file.find(key);
  EXPECT_NE(at, file.npos);
  file.resize(at + key.size() + 4); // the type stays
  char length[8];
  llvm::support::endian::write64le(length, pre.size());
  file.append(length, 8);
  return file + pre;
}

/// The tokenizer of a GGUF file of these bytes, and what was warned of.
llvm::Expected<std::string> readBytes(const std::string &bytes,
                                      std::string &warning) {
  llvm::SmallString<128> path;
  int descriptor;
  EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("tokenizer", "gguf",
                                                  descriptor, path));
  llvm::raw_fd_ostream(descriptor, /*shouldClose=*/true) << bytes;
  auto result = gguf::readTokenizer(
      path, [&](const std::string &text) { warning += text; });
  llvm::sys::fs::remove(path);
  return result;
}

Tokenizer open(const std::string &bytes) {
  std::string warning, error;
  llvm::Expected<std::string> text = readBytes(bytes, warning);
  EXPECT_EQ(warning, "");
  if (!text) {
    ADD_FAILURE() << llvm::toString(text.takeError());
    return Tokenizer();
  }
  std::optional<Tokenizer> result = Tokenizer::parse(*text, error);
  EXPECT_TRUE(result) << error;
  return result ? *result : Tokenizer();
}

void checkCases(const std::string &name, size_t least) {
  std::string file = read(getPath(name + ".gguf"));
  auto cases = nlohmann::json::parse(read(getPath(name + ".cases.json")),
                                     nullptr, false);
  ASSERT_TRUE(cases.is_array());
  ASSERT_GE(cases.size(), least);
  std::map<std::string, Tokenizer> tokenizers;
  for (const auto &entry : cases) {
    auto pre = entry.value("pre", "");
    if (!tokenizers.count(pre))
      tokenizers[pre] = open(pre.empty() ? file : replacePre(file, pre));
    auto text = entry["text"].get<std::string>();
    auto ids = entry["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ(tokenizers[pre].encode(text), ids) << pre << ": " << entry;
  }
}

TEST(GgufTokenizer, cutsWordsOfBytesAsTheirPreTokenizerSays) {
  checkCases("bytes", 300);
}

TEST(GgufTokenizer, mergesPiecesByTheirScores) { checkCases("pieces", 60); }

TEST(GgufTokenizer, mergesCharactersWhereTokensAreText) {
  checkCases("text", 48);
}

TEST(GgufTokenizer, writesSpacesAndBytesBack) {
  Tokenizer pieces = open(read(getPath("pieces.gguf")));
  std::string text = "a  b\n\xF0\x9F\xA6\x80 <|im_start|>c";
  std::vector<int32_t> ids = pieces.encode(text);
  EXPECT_EQ(pieces.decode(ids), "a  b\n\xF0\x9F\xA6\x80 <|im_start|> c");
  EXPECT_EQ(pieces.getEndIds(), std::vector<int32_t>{2});
  Tokenizer bytes = open(replacePre(read(getPath("bytes.gguf")), "qwen2"));
  EXPECT_EQ(bytes.decode(bytes.encode(text)), text);
  EXPECT_EQ(bytes.getEndIds(), std::vector<int32_t>{*bytes.find("<|im_end|>")});
}

TEST(GgufTokenizer, namesWhatItLeavesOut) {
  std::string file = read(getPath("bytes.gguf")), warning;
  llvm::Expected<std::string> text =
      readBytes(replacePre(file, "qwen9"), warning);
  ASSERT_TRUE(bool(text)) << llvm::toString(text.takeError());
  EXPECT_EQ(*text, "");
  EXPECT_NE(warning.find("key 'tokenizer.ggml.pre': 'qwen9' is not supported; "
                         "the nearest are 'qwen2', 'qwen35'"),
            warning.npos)
      << warning;
}

} // namespace
