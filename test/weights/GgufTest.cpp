// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "weights/Gguf.h"
#include "test/weights/TestFiles.h"
#include <gtest/gtest.h>

using namespace moec;
using namespace moec::test;

namespace {

template <typename T> std::string bytesOf(T value) {
  return {reinterpret_cast<const char *>(&value), sizeof(value)};
}
std::string text(llvm::StringRef value) {
  return bytesOf<uint64_t>(value.size()) + value.str();
}
std::string key(llvm::StringRef name, uint32_t type, std::string value) {
  return text(name) + bytesOf(type) + value;
}
std::string array(uint32_t type, uint64_t count, std::string elements) {
  return bytesOf(type) + bytesOf(count) + elements;
}
/// `sizes` with the contiguous dimension first, as the format has them.
std::string tensor(llvm::StringRef name, std::vector<uint64_t> sizes,
                   uint32_t type, uint64_t offset) {
  std::string result = text(name) + bytesOf<uint32_t>(sizes.size());
  for (uint64_t size : sizes)
    result += bytesOf(size);
  return result + bytesOf(type) + bytesOf(offset);
}
std::string header(uint64_t tensors, uint64_t keys, std::string rest,
                   uint32_t version = 3) {
  return "GGUF" + bytesOf(version) + bytesOf(tensors) + bytesOf(keys) + rest;
}
std::string withData(std::string header, size_t bytes) {
  header.resize((header.size() + 31) / 32 * 32);
  return header + std::string(bytes, 'x');
}

/// Two tensors: 2 x 64 of Q8_0 (136 bytes) and 8 of F32.
std::string sample() {
  return withData(
      header(2, 6,
             key("general.architecture", 8, text("llama")) +
                 key("llama.expert_count", 4, bytesOf<uint32_t>(8)) +
                 key("scale", 6, bytesOf<float>(2.5f)) +
                 key("flag", 7, bytesOf<uint8_t>(1)) +
                 key("tokens", 9, array(8, 2, text("a") + text("bc"))) +
                 key("types", 9, array(5, 2, bytesOf(1) + bytesOf(-3))) +
                 tensor("w", {64, 2}, 8, 0) + tensor("b", {8}, 0, 160)),
      192);
}

class Gguf : public testing::Test {
protected:
  /// The message without the file's name; empty if the file opens.
  std::string openError(llvm::StringRef bytes) {
    std::string path = directory.write("m.gguf", bytes);
    auto file = GgufFile::open(path);
    if (file)
      return "";
    std::string message = llvm::toString(file.takeError());
    EXPECT_TRUE(llvm::StringRef(message).starts_with(path + ": ")) << message;
    return message.substr(path.size() + 2);
  }

  Directory directory;
};

TEST_F(Gguf, readsMetadataAndTensors) {
  auto file = GgufFile::open(directory.write("m.gguf", sample()));
  ASSERT_TRUE(static_cast<bool>(file));
  EXPECT_EQ(*file->get<std::string>("general.architecture"), "llama");
  EXPECT_EQ(*file->get<int64_t>("llama.expert_count"), 8);
  EXPECT_EQ(*file->get<double>("scale"), 2.5);
  EXPECT_EQ(*file->get<bool>("flag"), true);
  EXPECT_EQ(*file->get<std::vector<std::string>>("tokens"),
            (std::vector<std::string>{"a", "bc"}));
  EXPECT_EQ(*file->get<std::vector<int64_t>>("types"),
            (std::vector<int64_t>{1, -3}));
  EXPECT_EQ(file->get<bool>("scale"), nullptr);
  EXPECT_EQ(file->find("none"), nullptr);
  const TensorEntry *w = file->getTensors().find("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->dtype, "Q8_0");
  EXPECT_EQ(w->shape, (llvm::SmallVector<int64_t, 4>{2, 64}));
  EXPECT_EQ(w->size, 136u);
  const TensorEntry *b = file->getTensors().find("b");
  EXPECT_EQ(b->offset, w->offset + 160);
}

TEST_F(Gguf, refusesWhatDoesNotFit) {
  EXPECT_EQ(openError("GGML"), "not a GGUF file: it does not begin with GGUF");
  EXPECT_EQ(openError(header(0, 0, "", 1)),
            "expected GGUF version 2 or 3 (little-endian), found 1");
  EXPECT_EQ(openError(header(1u << 30, 0, "")),
            "claims 1073741824 tensors and 0 keys, expected at most 1048576");
  EXPECT_EQ(openError(header(0, 1, bytesOf<uint64_t>(1u << 20))),
            "key 0: a string claims 1048576 bytes, expected at most 0");
  EXPECT_EQ(openError(header(0, 1, key("k", 13, ""))),
            "key 'k': unknown type 13 of a value");
  EXPECT_EQ(openError(header(0, 1, key("k", 9, array(9, 1, "xxxx")))),
            "key 'k': an array of arrays is not supported");
  EXPECT_EQ(openError(header(0, 1, key("k", 9, array(99, 1, "xxxx")))),
            "key 'k': unknown type 99 of an array");
  EXPECT_EQ(openError(header(0, 1, key("k", 9, array(4, 100, "xxxx")))),
            "key 'k': an array claims 100 elements, expected at most 4");
  std::string flag = key("k", 7, bytesOf<uint8_t>(1));
  EXPECT_EQ(openError(header(0, 2, flag + flag)), "key 'k': is there twice");
  EXPECT_EQ(openError(header(
                0, 1, key("general.alignment", 4, bytesOf<uint32_t>(24)))),
            "key 'general.alignment': expected a power of two up to 1048576, "
            "found 24");
}

TEST_F(Gguf, refusesTensorsThatDoNotFit) {
  auto one = [&](std::string entry, size_t bytes = 256) {
    return openError(withData(header(1, 0, entry), bytes));
  };
  EXPECT_EQ(one(tensor("t", {}, 0, 0)),
            "tensor 't': expected 1 to 4 dimensions, found 0");
  EXPECT_EQ(one(tensor("t", {1ull << 40, 1ull << 40}, 0, 0)),
            "tensor 't': the shape is too large");
  EXPECT_EQ(one(tensor("t", {8}, 77, 0)), "tensor 't': unknown type 77");
  EXPECT_EQ(
      one(tensor("t", {33}, 8, 0)),
      "tensor 't': rows of 33 elements are not whole blocks of 32 (Q8_0)");
  EXPECT_EQ(one(tensor("t", {65}, 0, 0)),
            "tensor 't': its 260 bytes at 0 of the data leave the file, which "
            "has 256");
  EXPECT_EQ(
      openError(withData(
          header(2, 0, tensor("s", {8}, 0, 0) + tensor("t", {8}, 0, 16)), 256)),
      "tensor 't': overlaps the tensor before it");
  EXPECT_EQ(
      openError(withData(
          header(2, 0, tensor("t", {8}, 0, 0) + tensor("t", {8}, 0, 32)), 256)),
      "tensor 't': is there twice");
}

// A file that ends anywhere, or has any byte changed, opens or gives an error.
TEST_F(Gguf, survivesDamage) {
  std::string whole = sample();
  for (size_t length = 0; length < whole.size(); ++length)
    EXPECT_NE(openError(whole.substr(0, length)), "") << length;
  for (size_t i = 0; i < whole.size(); ++i)
    for (char change : {'\x01', '\x80', '\xff'}) {
      std::string damaged = whole;
      damaged[i] ^= change;
      openError(damaged);
    }
}

} // namespace
