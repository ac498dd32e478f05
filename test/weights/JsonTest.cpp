// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Json.h"
#include <gtest/gtest.h>

using namespace moec;

namespace {

std::string parseError(llvm::StringRef text, unsigned depth = 8) {
  auto json = parseJson(text, "f.json", depth);
  return json ? "" : llvm::toString(json.takeError());
}

TEST(Json, parses) {
  auto json =
      parseJson(R"({"a": [1, {"b": null}], "c": {"b": true}})", "f.json", 3);
  ASSERT_TRUE(static_cast<bool>(json));
  EXPECT_EQ((*json)["a"][0], 1);
}

TEST(Json, namesFileAndPlace) {
  EXPECT_TRUE(llvm::StringRef(parseError("{\"a\": 1,}"))
                  .starts_with("f.json: parse error at line 1, column 9"));
  EXPECT_NE(parseError(""), "");
  EXPECT_NE(parseError("{\"a\": \"\xff\"}"), "");
  EXPECT_NE(parseError("{} {}"), "");
}

TEST(Json, refusesRepeatedKeys) {
  EXPECT_EQ(parseError(R"({"a": 1, "a": 2})"), "f.json: duplicate key 'a'");
}

TEST(Json, refusesDeepNesting) {
  EXPECT_EQ(parseError("[[[1]]]", 2), "f.json: nested deeper than 2 levels");
  EXPECT_EQ(parseError(std::string(1000000, '[')),
            "f.json: nested deeper than 8 levels");
}

TEST(Json, readsWholeNumbersOnly) {
  EXPECT_EQ(getInteger(Json(-3)), -3);
  EXPECT_EQ(getInteger(Json(UINT64_MAX)), std::nullopt);
  EXPECT_EQ(getInteger(Json(2.0)), std::nullopt);
  EXPECT_EQ(getInteger(Json("2")), std::nullopt);
}

TEST(Json, shortensDescriptions) {
  EXPECT_EQ(describeJson(Json(std::string(500, 'x'))).size(), 60u);
}

} // namespace
