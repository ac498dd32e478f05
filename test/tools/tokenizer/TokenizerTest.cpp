// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tokenizers and ids of Hugging Face's tokenizers library
// (tools/dev/make_tokenizer_cases.py).

#include "tools/tokenizer/Tokenizer.h"
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

using namespace moec::tokenizer;

namespace {

std::string readInput(const std::string &name) {
  std::ifstream file(std::string(MOEC_TOKENIZER_INPUTS) + "/" + name,
                     std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// Bytes that are not UTF-8 as the library shows them.
std::string replaceInvalid(const std::string &text) {
  nlohmann::json value = text;
  std::string dumped =
      value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return nlohmann::json::parse(dumped, nullptr, false).get<std::string>();
}

class TokenizerKind : public testing::TestWithParam<const char *> {};

TEST_P(TokenizerKind, agreesWithTheLibrary) {
  std::string error;
  auto tokenizer =
      Tokenizer::parse(readInput(GetParam() + std::string(".json")), error);
  ASSERT_TRUE(tokenizer) << error;
  auto cases = nlohmann::json::parse(
      readInput(GetParam() + std::string(".cases.json")), nullptr, false);
  ASSERT_TRUE(cases.is_array());
  ASSERT_GE(cases.size(), 60u);
  for (const auto &entry : cases) {
    auto text = entry["text"].get<std::string>();
    auto ids = entry["ids"].get<std::vector<int32_t>>();
    EXPECT_EQ(tokenizer->encode(text), ids) << text;
    EXPECT_EQ(replaceInvalid(tokenizer->decode(ids)),
              entry["decoded"].get<std::string>())
        << text;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerKind,
                         testing::Values("gpt2", "qwen2", "llama3", "deepseek",
                                         "llama2", "metaspace"),
                         [](const auto &info) { return info.param; });

std::string parseError(const std::string &json) {
  std::string error;
  EXPECT_FALSE(Tokenizer::parse(json, error)) << json;
  return error;
}

TEST(Tokenizer, saysWhatItDoesNotUnderstand) {
  const std::string model =
      R"("model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": []})";
  EXPECT_EQ(parseError("{"), "expected an object in JSON");
  EXPECT_EQ(parseError(std::string(100000, '[')), "expected an object in JSON");
  EXPECT_EQ(parseError(R"({"model": {"type": "Unigram"}})"),
            "model: expected type 'BPE', found 'Unigram'");
  EXPECT_EQ(parseError(R"({"model": {"vocab": {}}})"),
            "model: expected an object 'vocab' and an array 'merges'");
  EXPECT_EQ(parseError(R"({"model": {"vocab": {"a": -1}, "merges": []}})"),
            "model.vocab: token 'a' has no id below 16777216");
  EXPECT_EQ(parseError(R"({"model": {"vocab": {"a": 0}, "merges": ["a a"]}})"),
            "model.merges[0]: expected two tokens that make a third");
  EXPECT_EQ(parseError(R"({"model": {"vocab": {"a": 0, "aa": 1}, "merges":
                   [["a", "a", "0"]]}})"),
            "model.merges[0]: expected a whole number as rank");
  EXPECT_EQ(parseError("{" + model + R"(, "added_tokens": [{"id": 0}]})"),
            "added_tokens: expected entries with 'id' and 'content'");
  EXPECT_EQ(parseError("{" + model + R"(, "normalizer": {"type": "Lower"}})"),
            "normalizer: type 'Lower' is not supported");
  EXPECT_EQ(parseError("{" + model + R"(, "pre_tokenizer": {"type": "Bert"}})"),
            "pre_tokenizer: type 'Bert' is not supported");
  EXPECT_EQ(parseError("{" + model +
                       R"(, "pre_tokenizer": {"type": "Split", "behavior":
                          "Isolated", "pattern": {"Regex": "("}}})"),
            "the pattern '(' is not valid at 1: missing closing parenthesis");
  EXPECT_EQ(parseError("{" + model + R"(, "post_processor": {"type": "X"}})"),
            "post_processor: type 'X' is not supported");
}

TEST(Tokenizer, takesAnyBytes) {
  for (const char *name : {"qwen2.json", "llama2.json"}) {
    std::string error;
    auto tokenizer = Tokenizer::parse(readInput(name), error);
    ASSERT_TRUE(tokenizer) << error;
    std::string text = "a\xff\xfe\xc3 b\xe2\x96";
    std::vector<int32_t> ids = tokenizer->encode(text);
    EXPECT_EQ(tokenizer->decode(ids), text) << name;
    EXPECT_EQ(tokenizer->decode(-1), "");
    EXPECT_EQ(tokenizer->decode(1 << 30), "");
  }
}

} // namespace
