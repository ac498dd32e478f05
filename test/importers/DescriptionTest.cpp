// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "test/importers/TestModel.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace moec;
using namespace moec::test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

class Description : public testing::Test {
protected:
  Description()
      : layer({{"hidden_size", 4},
               {"experts", 6},
               {"intermediate_size", 2},
               {"router", {{"top_k", 2}}},
               {"weights", {{"random", {{"seed", 3}}}}}}) {}

  /// Imports a description of these layers.
  std::string import(Json layers, Json definitions = Json::array()) {
    return importText(
        Json{{"definitions", definitions}, {"layers", layers}}.dump());
  }
  std::string import() { return import(Json::array({layer})); }
  std::string importText(llvm::StringRef text) {
    model.directory.write("d.json", text);
    return model.importFile("d.json");
  }
  std::string errorOf(llvm::StringRef field, const Json &value) {
    Json old = layer;
    layer[Json::json_pointer(field.str())] = value;
    std::string text = import();
    EXPECT_TRUE(model.failed) << text;
    layer = old;
    return text;
  }

  Json layer;
  TestModel model;
};

TEST_F(Description, randomWeightsDifferInEveryParameter) {
  layer["shared_expert"] = {{"intermediate_size", 3}};
  layer["dtype"] = "bf16";
  std::string text = import();
  EXPECT_FALSE(model.failed) << text;
  for (int seed = 24; seed < 32; ++seed)
    EXPECT_THAT(text, HasSubstr("#moe.random<seed = " + std::to_string(seed) +
                                ", std = 2.000000e-02"));
  EXPECT_THAT(text,
              HasSubstr("@layers.0.experts.down(#moe.random<seed = 27, "
                        "std = 2.000000e-02 : f64>) : tensor<6x4x2xbf16>"));
}

TEST_F(Description, defaults) {
  std::string text = import();
  EXPECT_THAT(text, HasSubstr("linalg.softmax"));
  EXPECT_THAT(text, HasSubstr("#moe.top_k<2>"));
  EXPECT_THAT(text, HasSubstr("moe.weigh none"));
  EXPECT_THAT(text, HasSubstr("tensor<6x2x4xf32>"));
}

TEST_F(Description, router) {
  layer["router"] = {
      {"top_k", 2},
      {"score", "sigmoid"},
      {"normalize", "sum"},
      {"eps", 1e-20},
      {"scale", 2.5},
      {"groups",
       {{"count", 3}, {"kept", 2}, {"score", "sum2"}, {"masked", "zero"}}}};
  std::string text = import();
  EXPECT_FALSE(model.failed) << text;
  EXPECT_THAT(text, HasSubstr("#moe.grouped_top_k<2, groups = 3, kept = 2, "
                              "score = sum2, masked = zero>"));
  EXPECT_THAT(text, testing::Not(HasSubstr("linalg.softmax")));
  EXPECT_THAT(text, HasSubstr("scale = 2.500000e+00"));
}

TEST_F(Description, likeTakesWhatIsNotSet) {
  Json base = layer;
  base["name"] = "base";
  base["dtype"] = "bf16";
  Json middle = {{"name", "middle"}, {"like", "base"}, {"experts", 7}};
  std::string text =
      import(Json::array(
                 {{{"like", "middle"}},
                  {{"name", "other"}, {"like", "layers.0"}, {"dtype", "f32"}}}),
             Json::array({base, middle}));
  EXPECT_FALSE(model.failed) << text;
  EXPECT_THAT(text, HasSubstr("@layers.0.router(#moe.random<seed = 24, std = "
                              "2.000000e-02 : f64>) : tensor<7x4xbf16>"));
  EXPECT_THAT(text, HasSubstr(") : tensor<7x4xf32>"));
  EXPECT_THAT(text, HasSubstr("@other.moe"));
  EXPECT_THAT(text, testing::Not(HasSubstr("@base.moe")));
}

TEST_F(Description, likeErrors) {
  EXPECT_EQ(import(Json::array({{{"name", "a"}, {"like", "b"}},
                                {{"name", "b"}, {"like", "a"}}})),
            "d.json: layer 'a': field 'like' refers in a circle: a -> b -> a");
  EXPECT_EQ(import(Json::array({{{"name", "a"}, {"like", "a"}}})),
            "d.json: layer 'a': field 'like' refers in a circle: a -> a");
  EXPECT_EQ(import(Json::array({{{"name", "a"}, {"like", "z"}}})),
            "d.json: layer 'a': field 'like': no layer or definition 'z'");
  layer["name"] = "a";
  EXPECT_EQ(import(Json::array({layer, layer})),
            "d.json: layer 'a': field 'name': a second layer of this name");
  layer["name"] = "a b";
  EXPECT_EQ(import(), "d.json: layer 'a b': field 'name': expected letters, "
                      "digits, '.', '_', '-'");
}

TEST_F(Description, tensorsOfAFile) {
  layer["experts"] = 3;
  layer["shared_expert"] = {{"intermediate_size", 5}};
  layer["weights"] = {
      {"tensors",
       {{"file", "m.safetensors"},
        {"router", "model.{name}.mlp.gate.weight"},
        {"gate", "model.{name}.mlp.experts.{e}.gate_proj.weight"},
        {"up", "model.{name}.mlp.experts.{e}.up_proj.weight"},
        {"down", "model.{name}.mlp.experts.{e}.down_proj.weight"},
        {"shared_gate", "model.{name}.mlp.shared_expert.gate_proj.weight"},
        {"shared_up", "model.{name}.mlp.shared_expert.up_proj.weight"},
        {"shared_down", "model.{name}.mlp.shared_expert.down_proj.weight"},
        {"shared_switch", "model.{name}.mlp.shared_expert_gate.weight"}}}};
  TensorSpecs tensors = TestModel("qwen2_moe").tensors;
  model.directory.write("m.safetensors", makeZeroSafetensors(tensors));
  std::string text = import();
  EXPECT_FALSE(model.failed) << text;
  EXPECT_THAT(text, HasSubstr("\"model.layers.0.mlp.experts.2.up_proj.weight"));

  Json complete = layer;
  for (const auto &[field, name] : complete["weights"]["tensors"].items()) {
    layer = complete;
    layer["weights"]["tensors"].erase(field);
    EXPECT_EQ(import(), "d.json: layer 'layers.0': field 'weights.tensors': "
                        "expected field '" +
                            field + "', found none");
  }
  layer = complete;
  layer["weights"]["tensors"]["gate_up"] = "x";
  EXPECT_EQ(import(), "d.json: layer 'layers.0': field 'weights.tensors': "
                      "expected 'gate_up' or 'gate' and 'up'");
  layer = complete;
  layer["weights"]["tensors"]["router"] = "x";
  EXPECT_EQ(import(), "d.json: layer 'layers.0': field 'weights.tensors': "
                      "m.safetensors: no tensor 'x'");
  layer["weights"]["tensors"]["file"] = "../m.safetensors";
  EXPECT_EQ(import(), "d.json: layer 'layers.0': field 'weights.tensors': "
                      "weight file '../m.safetensors': expected a path inside "
                      "the model's directory");
  layer = complete;
  tensors["model.layers.0.mlp.experts.1.up_proj.weight"].dtype = "F32";
  model.directory.write("m.safetensors", makeZeroSafetensors(tensors));
  EXPECT_THAT(import(),
              HasSubstr("tensor 'model.layers.0.mlp.experts.1.up_proj.weight': "
                        "expected dtype BF16, found F32"));
}

TEST_F(Description, stackedTensorsOfAFile) {
  layer["weights"] = {{"tensors",
                       {{"file", "m.safetensors"},
                        {"router", "r"},
                        {"gate_up", "gu"},
                        {"down", "d"}}}};
  model.directory.write("m.safetensors",
                        makeZeroSafetensors({{"r", {"BF16", {6, 4}}},
                                             {"gu", {"BF16", {6, 4, 4}}},
                                             {"d", {"BF16", {6, 4, 2}}}}));
  std::string text = import();
  EXPECT_FALSE(model.failed) << text;
  EXPECT_THAT(text,
              HasSubstr("@layers.0.experts.up(#moe.expr<slice, [#moe.source<"
                        "\"m.safetensors\", \"gu\">], dims = [1, 2, 2]>)"));
}

TEST_F(Description, refusesBadNumbers) {
  for (llvm::StringRef field :
       {"hidden_size", "experts", "intermediate_size"}) {
    std::string prefix = ("d.json: layer 'layers.0': field '" + field +
                          "': expected a whole number from 1 to ")
                             .str();
    for (int64_t bad : {int64_t(0), int64_t(-1), int64_t(1) << 40})
      EXPECT_THAT(errorOf(("/" + field).str(), bad), StartsWith(prefix));
    EXPECT_EQ(errorOf(("/" + field).str(), nullptr),
              ("d.json: layer 'layers.0': field '" + field +
               "': expected a number, found none")
                  .str());
  }
  EXPECT_EQ(errorOf("/router/top_k", 7),
            "d.json: layer 'layers.0': field 'router.top_k': expected at most "
            "the number of experts (6), found 7");
  EXPECT_THAT(
      errorOf("/router", Json::object()),
      HasSubstr("field 'router.top_k': expected a whole number from 1"));
  EXPECT_THAT(errorOf("/router/eps", -1.0),
              HasSubstr("field 'router.eps': expected a number of at least 0"));
  EXPECT_THAT(errorOf("/router/groups", {{"count", 4}, {"kept", 1}}),
              HasSubstr("field 'router.groups.count': expected a divisor of "
                        "the number of experts (6), found 4"));
  EXPECT_THAT(errorOf("/router/groups", {{"count", 3}, {"kept", 4}}),
              HasSubstr("field 'router.groups.kept': expected a whole number "
                        "from 1 to 3, found 4"));
  EXPECT_THAT(errorOf("/router/groups", {{"count", 6}, {"kept", 1}}),
              HasSubstr("field 'router.groups.kept': expected at least top_k "
                        "(2) experts in the kept groups, found 1"));
  EXPECT_THAT(errorOf("/shared_expert", Json::object()),
              HasSubstr("field 'shared_expert.intermediate_size'"));
  EXPECT_THAT(errorOf("/weights/random/seed", INT64_MAX),
              HasSubstr("field 'seed' is beyond 59 bits"));
  EXPECT_THAT(errorOf("/weights/random/std", -1),
              HasSubstr("field 'std' is not a number of at least 0"));
}

TEST_F(Description, refusesWhatTheSchemaDoesNotKnow) {
  EXPECT_THAT(errorOf("/hiden_size", 3),
              HasSubstr("unknown field: hiden_size"));
  EXPECT_THAT(errorOf("/router/k", 3), HasSubstr("unknown field: k"));
  EXPECT_THAT(errorOf("/dtype", "f64"), HasSubstr("f64"));
  EXPECT_THAT(errorOf("/router/score", "softplus"), HasSubstr("softplus"));
  for (Json bad : {Json(2.5), Json("6"), Json(true), Json::array({1})})
    EXPECT_EQ(errorOf("/experts", bad),
              "d.json: field 'layers[0].experts': expected a whole number, "
              "found " +
                  bad.dump());
  EXPECT_EQ(errorOf("/router/scale", "1"),
            "d.json: field 'layers[0].router.scale': expected a number, found "
            "\"1\"");
  EXPECT_EQ(errorOf("/shared_expert", {{"gated", 1}}),
            "d.json: field 'layers[0].shared_expert.gated': expected true or "
            "false, found 1");
  EXPECT_EQ(errorOf("/dtype", 1), "d.json: field 'layers[0].dtype': expected a "
                                  "string, found 1");
  EXPECT_EQ(errorOf("/activation", 1),
            "d.json: field 'layers[0].activation': expected a string, found 1");
  EXPECT_THAT(errorOf("/router", 3), StartsWith("d.json:1: "));
  EXPECT_EQ(
      errorOf("/activation", "silu2")
          .find("d.json: layer 'layers.0': field 'activation': 'silu2' is not "
                "one of silu"),
      0u);
  EXPECT_EQ(errorOf("/weights", Json::object()),
            "d.json: layer 'layers.0': field 'weights': expected either "
            "'random' or 'tensors'");
}

TEST_F(Description, namesTheLine) {
  EXPECT_THAT(importText("{\n \"layers\": [\n {\"x\": 1}]}"),
              StartsWith("d.json:3: unknown field: x"));
}

TEST_F(Description, refusesOtherText) {
  EXPECT_THAT(importText(""), StartsWith("d.json: parse error"));
  EXPECT_THAT(importText("table A {}"), StartsWith("d.json: parse error"));
  EXPECT_EQ(importText("3"), "d.json: expected an object, found 3");
  EXPECT_EQ(importText("{}"), "d.json: field 'layers': expected at least one");
  EXPECT_EQ(importText(R"({"layers": []})"),
            "d.json: field 'layers': expected at least one");
  EXPECT_EQ(importText(R"({"layers": [], "layers": []})"),
            "d.json: duplicate key 'layers'");
  EXPECT_EQ(importText(std::string(1 << 20, '[')),
            "d.json: nested deeper than 16 levels");
  EXPECT_EQ(importText(R"({"definitions": [{}], "layers": []})"),
            "d.json: layer '': field 'name': expected letters, digits, '.', "
            "'_', '-'");
  for (llvm::StringRef odd : {R"({"layers": null})", R"({"layers": [null]})",
                              R"({"layers": [{}]})", R"({"layers": {}})"}) {
    importText(odd);
    EXPECT_TRUE(model.failed) << odd.str();
  }
}

TEST_F(Description, survivesEveryFlippedAndMissingByte) {
  layer["name"] = "a";
  layer["router"]["groups"] = {{"count", 3}, {"kept", 2}};
  layer["shared_expert"] = {{"intermediate_size", 3}};
  std::string text =
      Json{{"layers", {layer, {{"like", "a"}}}}}.dump(/*indent=*/1);
  importText(text);
  ASSERT_FALSE(model.failed);
  for (size_t index = 0; index < text.size(); ++index) {
    for (int bit : {0, 1, 4, 7}) {
      std::string flipped = text;
      flipped[index] ^= static_cast<char>(1 << bit);
      importText(flipped);
    }
    importText(text.substr(0, index) + text.substr(index + 1));
    importText(text.substr(0, index));
    EXPECT_TRUE(model.failed);
  }
}

} // namespace
