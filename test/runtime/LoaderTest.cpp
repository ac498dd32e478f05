// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the loader accepts and, mostly, what it does not.

#include "runtime/schema/Prelude.h"
#include "test/runtime/TestArtifact.h"

#include <gtest/gtest.h>

#include <fstream>

using namespace moec;
using namespace moec::test;
using testing::Test;

namespace {

struct Loader : Test {
  Context context = makeContext(1);
  Image image = scaleImage();
  moec_error error = {};

  /// The message of a load that must fail.
  std::string refusal(const Image &bad, uint32_t flags = 0) {
    EXPECT_EQ(load(context.get(), bad, error, flags), nullptr);
    return error.text;
  }
  const schema::Header *header() {
    return schema::GetHeader(image.data() + sizeof(schema::Prelude));
  }
};

#define EXPECT_CONTAINS(text, part)                                            \
  EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST_F(Loader, LoadsFromMemoryAndFromAFile) {
  Module fromMemory = load(context.get(), image, error);
  ASSERT_NE(fromMemory, nullptr) << error.text;
  EXPECT_EQ(callScale(fromMemory.get(), makeSession(fromMemory.get()).get(), 3),
            expectedScale(3));

  std::string path = temporaryPath("loader.moe");
  std::ofstream(path, std::ios::binary).write(image.data(), image.size());
  moec_module *module = nullptr;
  ASSERT_EQ(moec_module_load_file(context.get(), path.c_str(), nullptr, &module,
                                  &error),
            MOEC_OK)
      << error.text;
  Module fromFile(module);
  EXPECT_EQ(callScale(module, makeSession(module).get(), 4), expectedScale(4));
  // The mapping outlives the name.
  std::remove(path.c_str());
  EXPECT_EQ(callScale(module, makeSession(module).get(), 2), expectedScale(2));
}

TEST_F(Loader, DescribesWhatWasWritten) {
  Module module = load(context.get(), image, error, MOEC_MODULE_NO_CODE);
  ASSERT_NE(module, nullptr) << error.text;
  moec_module_info info = {};
  info.struct_size = sizeof(info);
  ASSERT_EQ(moec_module_get_info(module.get(), &info), MOEC_OK);
  EXPECT_EQ(info.num_functions, 1u);
  EXPECT_EQ(info.num_segments, 3u);
  EXPECT_STREQ(info.producer, "moec test");
  EXPECT_STREQ(info.compute, "f32");
  EXPECT_EQ(info.level, nullptr);
  EXPECT_EQ(info.file_size, image.size());
  EXPECT_EQ(
      std::string(static_cast<const char *>(info.source), info.source_size),
      "not bytecode");
  moec_parameter_info parameter = {};
  parameter.struct_size = sizeof(parameter);
  ASSERT_EQ(moec_module_get_parameter(module.get(), 0, &parameter), MOEC_OK);
  EXPECT_STREQ(parameter.name, "scale");
  EXPECT_EQ(parameter.size, 20u);
  EXPECT_TRUE(parameter.is_mutable);
  EXPECT_EQ(static_cast<const float *>(parameter.data)[4], 5);
  EXPECT_EQ(moec_module_get_parameter(module.get(), 1, &parameter),
            MOEC_NOT_FOUND);
  moec_tensor_info argument = {};
  argument.struct_size = sizeof(argument);
  ASSERT_EQ(moec_function_get_argument(
                moec_module_get_function(module.get(), 0), 0, &argument),
            MOEC_OK);
  EXPECT_EQ(argument.rank, 2);
  EXPECT_STREQ(argument.dimensions[0].symbol, "T");
  EXPECT_EQ(argument.dimensions[1].size, 5);
}

TEST_F(Loader, FillsOnlyWhatAnOlderCallerHasRoomFor) {
  Module module = load(context.get(), image, error);
  moec_module_info info;
  memset(&info, 0x55, sizeof(info));
  info.struct_size = offsetof(moec_module_info, num_functions);
  ASSERT_EQ(moec_module_get_info(module.get(), &info), MOEC_OK);
  EXPECT_EQ(info.version_major, 1u);
  EXPECT_EQ(info.num_functions, 0x55555555u);
}

TEST_F(Loader, RefusesEveryTruncation) {
  std::string bytes(image.data(), image.size());
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_NE(refusal(Image(bytes.substr(0, size))), "") << size;
  EXPECT_CONTAINS(refusal(Image(bytes + '\0')), "prelude.file_size");
}

TEST_F(Loader, RefusesEveryFlippedByteBeforeTheWeights) {
  const schema::Segment &weights = *header()->segments()->Get(2);
  ASSERT_EQ(weights.kind(), schema::SegmentKind::weights);
  for (size_t i = 0; i < weights.offset(); ++i) {
    image[i] ^= 0xff;
    std::string message = refusal(image);
    EXPECT_NE(message.find("memory: "), std::string::npos) << i << message;
    image[i] ^= 0xff;
    if (i <
        sizeof(schema::Prelude) + 64) { // single bits where fields are dense
      image[i] ^= 1;
      EXPECT_NE(refusal(image), "") << i;
      image[i] ^= 1;
    }
  }
}

TEST_F(Loader, FindsFlippedWeightsWhenAsked) {
  size_t begin = header()->segments()->Get(2)->offset();
  for (size_t i = begin; i < image.size(); ++i) {
    image[i] ^= 1;
    EXPECT_NE(load(context.get(), image, error), nullptr);
    EXPECT_CONTAINS(refusal(image, MOEC_MODULE_VERIFY_WEIGHTS),
                    "header.parameters[0].hash");
    image[i] ^= 1;
  }
  EXPECT_NE(load(context.get(), image, error, MOEC_MODULE_VERIFY_WEIGHTS),
            nullptr)
      << error.text;
}

/// Headers whose hash is right and whose numbers are not.
TEST_F(Loader, TrustsNoNumberOfTheHeader) {
  struct Case {
    const char *message;
    std::function<void(const schema::Header *)> change;
  };
  using namespace schema;
  const uint64_t huge = UINT64_MAX - 63;
  const Case cases[] = {
      {"header.version_major is 2",
       [](auto *h) { Image::set(h, Header::VT_VERSION_MAJOR, 2u); }},
      {"header.required_features has the bits 0x8000000000000000",
       [](auto *h) {
         Image::set(h, Header::VT_REQUIRED_FEATURES, uint64_t(1) << 63);
       }},
      {"header.compute is 9",
       [](auto *h) { Image::set(h, Header::VT_COMPUTE, uint8_t(9)); }},
      {"header.segments[0].kind is 7",
       [](auto *h) {
         Image::set(h->segments()->Get(0), Segment::VT_KIND, uint8_t(7));
       }},
      {"header.segments[1].kind is source",
       [](auto *h) {
         Image::set(h->segments()->Get(0), Segment::VT_KIND, uint8_t(2));
       }},
      {"header.segments[0].alignment is 3",
       [](auto *h) {
         Image::set(h->segments()->Get(0), Segment::VT_ALIGNMENT, 3u);
       }},
      {"header.segments[0].offset is 1",
       [](auto *h) {
         Image::set(h->segments()->Get(0), Segment::VT_OFFSET, uint64_t(1));
       }},
      {"header.segments[1].offset is 64", // overlaps what is before it
       [](auto *h) {
         Image::set(h->segments()->Get(1), Segment::VT_OFFSET, uint64_t(64));
       }},
      {"header.segments[0].offset is 18446744073709551552",
       [&](auto *h) {
         Image::set(h->segments()->Get(0), Segment::VT_OFFSET, huge);
       }},
      {"header.segments[0].size is 18446744073709551552",
       [&](auto *h) {
         Image::set(h->segments()->Get(0), Segment::VT_SIZE, huge);
       }},
      {"header.segments end at byte",
       [](auto *h) {
         Image::set(h->segments()->Get(2), Segment::VT_SIZE, uint64_t(16));
       }},
      {"header.variants[0].segment is 1",
       [](auto *h) {
         Image::set(h->variants()->Get(0), CodeVariant::VT_SEGMENT, 1u);
       }},
      {"header.variants[0].segment is 4294967295",
       [](auto *h) {
         Image::set(h->variants()->Get(0), CodeVariant::VT_SEGMENT, ~0u);
       }},
      {"header.parameters[0].dtype is 77",
       [](auto *h) {
         Image::set(h->parameters()->Get(0), Parameter::VT_DTYPE, uint8_t(77));
       }},
      {"header.parameters[0].size is 8",
       [](auto *h) {
         Image::set(h->parameters()->Get(0), Parameter::VT_SIZE, uint64_t(8));
       }},
      {"header.parameters[0].offset is 64",
       [](auto *h) {
         Image::set(h->parameters()->Get(0), Parameter::VT_OFFSET,
                    uint64_t(64));
       }},
      {"header.parameters[0].offset is 18446744073709551552",
       [&](auto *h) {
         Image::set(h->parameters()->Get(0), Parameter::VT_OFFSET, huge);
       }},
      {"header.parameters[0].segment is 0",
       [](auto *h) {
         Image::set(h->parameters()->Get(0), Parameter::VT_SEGMENT, 0u);
       }},
      {"header.parameters[0].encoding is 5",
       [](auto *h) {
         Image::set(h->parameters()->Get(0), Parameter::VT_ENCODING,
                    uint8_t(5));
       }},
      {"header.parameters[0] has other dims than panels",
       [](auto *h) {
         Image::set(h->parameters()->Get(0), Parameter::VT_ENCODING,
                    uint8_t(1));
       }},
      {"header.parameters[0].dims has the negative dimension -5",
       [](auto *h) {
         const int64_t *dims = h->parameters()->Get(0)->dims()->data();
         *const_cast<int64_t *>(dims) = -5;
       }},
      {"header.parameters[0].size is 20",
       [](auto *h) {
         const int64_t *dims = h->parameters()->Get(0)->dims()->data();
         *const_cast<int64_t *>(dims) = int64_t(1) << 62;
       }},
      {"header.parameters[0].name has the control character 0",
       [](auto *h) {
         auto *name = h->parameters()->Get(0)->name()->data();
         const_cast<uint8_t *>(reinterpret_cast<const uint8_t *>(name))[2] = 0;
       }},
      {"header.functions[0].parameters[0] is 1",
       [](auto *h) {
         const uint32_t *index = h->functions()->Get(0)->parameters()->data();
         *const_cast<uint32_t *>(index) = 1;
       }},
      {"header.functions[0].entry is 'xoec_fn_scale'",
       [](auto *h) {
         const char *entry = h->functions()->Get(0)->entry()->c_str();
         *const_cast<char *>(entry) = 'x';
       }},
      {"has no symbol 'moec_fn_scalx'",
       [](auto *h) {
         const char *entry = h->functions()->Get(0)->entry()->c_str();
         const_cast<char *>(entry)[12] = 'x';
       }},
      {"header.functions[0].arguments[0].dims[1] is the negative size -1",
       [](auto *h) {
         Image::set(h->functions()->Get(0)->arguments()->Get(0)->dims()->Get(1),
                    Dimension::VT_SIZE, int64_t(-1));
       }},
      {"cannot run the",
       [](auto *h) {
         const char *level = h->variants()->Get(0)->level()->c_str();
         const_cast<char *>(level)[0] = 'q';
       }},
  };
  for (const Case &each : cases) {
    Image bad(std::string(image.data(), image.size()));
    bad.edit(each.change);
    EXPECT_CONTAINS(refusal(bad), each.message);
  }
}

/// No header with one changed byte and a right hash crashes the loader.
TEST_F(Loader, SurvivesEveryChangedHeaderByteWithARightHash) {
  auto *prelude = reinterpret_cast<schema::Prelude *>(image.data());
  for (uint64_t i = 0; i < prelude->headerSize; ++i)
    for (unsigned change : {0x01u, 0x80u, 0xffu}) {
      Image bad(std::string(image.data(), image.size()));
      bad.edit([&](schema::Header *) {
        bad[sizeof(schema::Prelude) + i] ^= char(change);
      });
      load(context.get(), bad, error, MOEC_MODULE_NO_CODE);
    }
}

TEST_F(Loader, RefusesCodeOfAnotherAbi) {
  std::string path = temporaryPath("abi.moe");
  ASSERT_EQ(scaleWriter(MOEC_TEST_CODE_OTHER_ABI).finish(path), "");
  Image other(readFile(path));
  std::remove(path.c_str());
  EXPECT_CONTAINS(refusal(other), "has frame ABI 99, this runtime calls ABI 1");
}

TEST_F(Loader, RefusesSegmentsThatAreNotCode) {
  artifact::ArtifactWriter writer;
  writer.addVariant({baseLevel(), {}, std::string(4096, 'x')});
  std::string path = temporaryPath("noelf.moe");
  ASSERT_EQ(writer.finish(path), "");
  Image other(readFile(path));
  std::remove(path.c_str());
  EXPECT_CONTAINS(refusal(other), "is not a 64-bit ELF shared object");
}

TEST_F(Loader, ChoosesTheBestVariantThatRuns) {
  std::string code = readFile(MOEC_TEST_CODE), path = temporaryPath("var.moe");
  artifact::ArtifactWriter writer = scaleWriter(MOEC_TEST_CODE);
  writer.addVariant({baseLevel(), {"no-such-feature"}, code});
  writer.addVariant({"z-machine", {}, code});
  ASSERT_EQ(writer.finish(path), "");
  Image several(readFile(path));
  std::remove(path.c_str());
  Module module = load(context.get(), several, error);
  ASSERT_NE(module, nullptr) << error.text;
  moec_module_info info = {};
  info.struct_size = sizeof(info);
  moec_module_get_info(module.get(), &info);
  EXPECT_STREQ(info.level, baseLevel());
  moec_variant_info variant = {};
  variant.struct_size = sizeof(variant);
  ASSERT_EQ(moec_module_get_variant(module.get(), 1, &variant), MOEC_OK);
  EXPECT_FALSE(variant.runs_here);

  EXPECT_EQ(load(context.get(), several, error, 0, "z-machine"), nullptr);
  EXPECT_CONTAINS(std::string(error.text), "cannot run the z-machine code");
  EXPECT_EQ(load(context.get(), several, error, 0, "y-machine"), nullptr);
  EXPECT_CONTAINS(std::string(error.text), "no code of level y-machine");
}

TEST_F(Loader, KeepsTwoModulesApart) {
  Module first = load(context.get(), image, error);
  Module second = load(context.get(), image, error);
  first.reset();
  Module third = load(context.get(), image, error);
  ASSERT_NE(third, nullptr) << error.text;
  second.reset();
  EXPECT_EQ(callScale(third.get(), makeSession(third.get()).get(), 2),
            expectedScale(2));
}

TEST_F(Loader, SaysWhichFileCannotBeOpened) {
  moec_module *module = nullptr;
  EXPECT_EQ(moec_module_load_file(context.get(), "/no/such.moe", nullptr,
                                  &module, &error),
            MOEC_ENVIRONMENT);
  EXPECT_STREQ(error.text,
               "/no/such.moe: cannot open: No such file or directory");
  EXPECT_EQ(moec_module_load_file(context.get(), "/", nullptr, &module, &error),
            MOEC_ENVIRONMENT);
  // Nobody has to ask for the message.
  EXPECT_EQ(
      moec_module_load_file(context.get(), "/", nullptr, &module, nullptr),
      MOEC_ENVIRONMENT);
}

} // namespace
