// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Safetensors.h"
#include "test/weights/TestFiles.h"
#include <gtest/gtest.h>

using namespace moec;
using namespace moec::test;

namespace {

class Safetensors : public testing::Test {
protected:
  /// Opens bytes as a file; returns the message without the file's name.
  std::string openError(llvm::StringRef bytes) {
    std::string path = directory.write("m.safetensors", bytes);
    auto file = openSafetensors(path);
    if (file)
      return "";
    std::string message = llvm::toString(file.takeError());
    EXPECT_TRUE(llvm::StringRef(message).starts_with(path + ": ")) << message;
    return message.substr(path.size() + 2);
  }
  std::string headerError(llvm::StringRef header, int dataBytes = 24) {
    return openError(makeSafetensors(header, std::string(dataBytes, 'x')));
  }

  Directory directory;
};

constexpr llvm::StringLiteral kTwo =
    R"({"__metadata__": {"format": "pt"},
        "b": {"dtype": "F32", "shape": [2, 2], "data_offsets": [8, 24]},
        "a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}})";

TEST_F(Safetensors, readsTensors) {
  std::string path = directory.write(
      "m.safetensors", makeSafetensors(kTwo, "01234567" + floats(4, 1)));
  auto file = openSafetensors(path);
  ASSERT_TRUE(static_cast<bool>(file));
  EXPECT_EQ((*file)->getTensors().size(), 2u);
  EXPECT_EQ((*file)->find("c"), nullptr);
  const TensorEntry *b = (*file)->find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->dtype, "F32");
  EXPECT_EQ(b->shape, (llvm::SmallVector<int64_t, 4>{2, 2}));
  float last;
  ASSERT_FALSE((*file)->read(*b, 12, {reinterpret_cast<char *>(&last), 4}));
  EXPECT_EQ(last, 4.0f);
  llvm::Error error =
      (*file)->read(*b, 13, {reinterpret_cast<char *>(&last), 4});
  EXPECT_TRUE(llvm::StringRef(llvm::toString(std::move(error)))
                  .ends_with("read beyond the end of a tensor"));
}

TEST_F(Safetensors, noticesThatTheFileShrank) {
  std::string bytes = makeSafetensors(kTwo, std::string(24, 'x'));
  std::string path = directory.write("m.safetensors", bytes);
  auto file = openSafetensors(path);
  ASSERT_TRUE(static_cast<bool>(file));
  directory.write("m.safetensors", bytes.substr(0, bytes.size() - 1));
  char out[16];
  EXPECT_EQ(llvm::toString((*file)->read(*(*file)->find("b"), 0, out)),
            path + ": the file became shorter while it was read");
}

TEST_F(Safetensors, refusesEveryTruncation) {
  std::string bytes = makeSafetensors(kTwo, std::string(24, 'x'));
  ASSERT_EQ(openError(bytes), "");
  for (size_t length = 0; length < bytes.size(); ++length)
    EXPECT_NE(openError(llvm::StringRef(bytes).take_front(length)), "")
        << length;
  EXPECT_EQ(openError(bytes + "x"), "tensors end at byte 24 of the data, the "
                                    "file has 25");
}

TEST_F(Safetensors, survivesEveryFlippedBit) {
  std::string bytes = makeSafetensors(kTwo, std::string(24, 'x'));
  for (size_t index = 0; index < 8 + kTwo.size(); ++index)
    for (int bit : {0, 4, 7}) {
      std::string flipped = bytes;
      flipped[index] ^= static_cast<char>(1 << bit);
      openError(flipped);
    }
}

TEST_F(Safetensors, refusesOtherFiles) {
  EXPECT_EQ(openError("abc"), "expected a safetensors header of at least 8 "
                              "bytes, the file has 3");
  EXPECT_EQ(openError(std::string(8, '\xff') + "{}"),
            "the header claims 18446744073709551615 bytes, expected at most 2");
  EXPECT_EQ(headerError("[]"), "the header is not an object");
  EXPECT_EQ(headerError("{"), "parse error at line 1, column 2: syntax error "
                              "while parsing object key - unexpected end of "
                              "input; expected string literal");
  auto file = openSafetensors(directory.str());
  EXPECT_EQ(llvm::toString(file.takeError()),
            (directory.str() + ": not a regular file").str());
  file = openSafetensors(directory.file("none"));
  EXPECT_EQ(llvm::toString(file.takeError()),
            directory.file("none") +
                ": cannot open: No such file or directory");
}

TEST_F(Safetensors, refusesBadEntries) {
  EXPECT_EQ(headerError(R"({"a": 3})"),
            "tensor 'a': expected an object, found 3");
  EXPECT_EQ(headerError(R"({"a": {"dtype": 1}})"),
            "tensor 'a': expected a string 'dtype'");
  EXPECT_EQ(headerError(R"({"a": {"dtype": "F33"}})"),
            "tensor 'a': unknown dtype 'F33'");
  EXPECT_EQ(headerError(R"({"a": {"dtype": "F32", "shape": 6}})"),
            "tensor 'a': expected an array 'shape'");
  for (llvm::StringRef size :
       {"-1", "1.5", "\"6\"", "1e3", "null", "9223372036854775808"})
    EXPECT_EQ(headerError((R"({"a": {"dtype": "F32", "shape": [)" + size +
                           R"(], "data_offsets": [0, 24]}})")
                              .str())
                  .find("tensor 'a': expected whole sizes in 'shape', found"),
              0u);
  EXPECT_EQ(headerError(R"({"a": {"dtype": "F32", "shape":
              [4294967296, 4294967296], "data_offsets": [0, 24]}})"),
            "tensor 'a': 'shape' [4294967296,4294967296] is too large");
  for (llvm::StringRef offsets : {"[0]", "[0, 24, 25]", "24"})
    EXPECT_EQ(headerError((R"({"a": {"dtype": "F32", "shape": [6],
                "data_offsets": )" +
                           offsets + "}}")
                              .str()),
              "tensor 'a': expected two numbers in 'data_offsets'");
  for (llvm::StringRef offsets : {"[24,0]", "[-24,0]", "[0,1.5]", "[0,\"24\"]"})
    EXPECT_EQ(
        headerError((R"({"a": {"dtype": "F32", "shape": [6],
                "data_offsets": )" +
                     offsets + "}}")
                        .str()),
        ("tensor 'a': 'data_offsets' " + offsets + " is not a range").str());
  EXPECT_EQ(headerError(R"({"a": {"dtype": "F32", "shape": [5],
              "data_offsets": [0, 24]}})"),
            "tensor 'a': shape and dtype need 20 bytes, 'data_offsets' has 24");
  EXPECT_EQ(headerError(R"({"a": {"dtype": "F32", "shape": [6],
              "data_offsets": [0, 24]}, "a": {}})"),
            "duplicate key 'a'");
}

std::string twoTensors(int begin, int end) {
  return R"({"a": {"dtype": "U8", "shape": [16], "data_offsets": [0, 16]},
             "b": {"dtype": "U8", "shape": [)" +
         std::to_string(end - begin) + R"(], "data_offsets": [)" +
         std::to_string(begin) + ", " + std::to_string(end) + "]}}";
}

TEST_F(Safetensors, refusesBadPlaces) {
  EXPECT_EQ(headerError(twoTensors(16, 24)), "");
  EXPECT_EQ(headerError(twoTensors(15, 24)),
            "tensor 'b': overlaps the tensor before it");
  EXPECT_EQ(headerError(twoTensors(17, 24)),
            "tensor 'b': leaves a gap of 1 bytes before it");
  EXPECT_EQ(headerError(twoTensors(16, 25)),
            "tensor 'b': ends at byte 25 of the data, the file has 24");
  EXPECT_EQ(headerError(twoTensors(16, 23)),
            "tensors end at byte 23 of the data, the file has 24");
}

TEST_F(Safetensors, acceptsEmptyTensors) {
  EXPECT_EQ(headerError(R"({"a": {"dtype": "F32", "shape": [0, 3],
              "data_offsets": [0, 0]}, "b": {"dtype": "F32", "shape": [],
              "data_offsets": [0, 4]}})",
                        4),
            "");
  EXPECT_EQ(headerError("{}", 0), "");
}

} // namespace
