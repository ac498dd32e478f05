// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "importers/hf/Architectures.h"
#include "test/importers/TestModel.h"
#include "llvm/ADT/StringSet.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace moec;
using namespace moec::test;
using testing::HasSubstr;
using testing::Not;

namespace {

//===----------------------------------------------------------------------===//
// Switches
//===----------------------------------------------------------------------===//

TEST(HuggingFace, renormalizesAsTheArchitectureDoes) {
  for (auto [type, byDefault] : {std::pair("mixtral", true),
                                 {"olmoe", false},
                                 {"qwen2_moe", false},
                                 {"qwen3_moe", false}}) {
    TestModel model(type);
    EXPECT_THAT(model.import(),
                HasSubstr(byDefault ? "moe.weigh sum" : "moe.weigh none"))
        << type;
    model.config["norm_topk_prob"] = nullptr;
    EXPECT_THAT(model.import(),
                HasSubstr(byDefault ? "moe.weigh sum" : "moe.weigh none"))
        << type;
    for (bool flag : {false, true}) {
      model.config["norm_topk_prob"] = flag;
      EXPECT_THAT(
          model.import(),
          HasSubstr(byDefault || flag ? "moe.weigh sum" : "moe.weigh none"))
          << type;
    }
  }
}

TEST(HuggingFace, readsCountsUnderEitherName) {
  for (const char *type : {"mixtral", "olmoe", "qwen2_moe", "qwen3_moe"})
    for (const char *key : {"num_experts", "num_local_experts"}) {
      TestModel model(type);
      model.config.erase("num_experts");
      model.config.erase("num_local_experts");
      model.config[key] = 3;
      EXPECT_THAT(model.import(), HasSubstr("<experts = 3, slots = 2>"));
      EXPECT_FALSE(model.failed);
    }
}

TEST(HuggingFace, choosesSparseLayers) {
  TestModel model("qwen3_moe");
  model.config["decoder_sparse_step"] = 2;
  std::string text = model.import();
  EXPECT_THAT(text, Not(HasSubstr("@layers.0.moe")));
  EXPECT_THAT(text, HasSubstr("@layers.1.moe"));

  model.config["decoder_sparse_step"] = 1;
  model.config["mlp_only_layers"] = {1, 7, -1};
  text = model.import();
  EXPECT_THAT(text, HasSubstr("@layers.0.moe"));
  EXPECT_THAT(text, Not(HasSubstr("@layers.1.moe")));

  // Architectures without these switches do not read them.
  TestModel other("olmoe");
  other.config["decoder_sparse_step"] = 2;
  other.config["mlp_only_layers"] = {1};
  text = other.import();
  EXPECT_THAT(text, HasSubstr("@layers.0.moe"));
  EXPECT_THAT(text, HasSubstr("@layers.1.moe"));
}

TEST(HuggingFace, readsActivations) {
  TestModel model;
  for (const char *name :
       {"silu", "swish", "gelu", "gelu_new", "gelu_pytorch_tanh", "quick_gelu",
        "relu", "relu2", "relu6", "sigmoid", "tanh", "linear"}) {
    model.config["hidden_act"] = name;
    model.import();
    EXPECT_FALSE(model.failed) << name;
  }
  model.config["hidden_act"] = "gelu";
  EXPECT_THAT(model.import(), HasSubstr("math.erf"));
  model.config["hidden_act"] = "gelu_pytorch_tanh";
  EXPECT_THAT(model.import(), HasSubstr("math.tanh"));
}

//===----------------------------------------------------------------------===//
// Tensor names
//===----------------------------------------------------------------------===//

/// Replaces the experts' tensors by the two that transformers 5 has in memory.
void fuse(TestModel &model) {
  TensorSpecs fused;
  for (const auto &[name, tensor] : model.tensors)
    if (name.find(".experts.") == std::string::npos)
      fused[name] = tensor;
  for (const char *layer : {"0", "1"}) {
    std::string block = "model.layers." + std::string(layer) + ".mlp.";
    fused[block + "experts.gate_up_proj"] = {"BF16", {3, 4, 4}};
    fused[block + "experts.down_proj"] = {"BF16", {3, 4, 2}};
    fused[block + "gate.weight"] = {"F32", {3, 4}};
  }
  model.tensors = fused;
}

TEST(HuggingFace, readsFusedExperts) {
  for (const char *type : {"mixtral", "olmoe", "qwen2_moe", "qwen3_moe"}) {
    TestModel model(type);
    fuse(model);
    if (model.config["model_type"] == "mixtral")
      model.tensors.erase("model.layers.0.block_sparse_moe.gate.weight");
    if (model.config["model_type"] == "mixtral")
      model.tensors.erase("model.layers.1.block_sparse_moe.gate.weight");
    std::string text = model.import();
    EXPECT_FALSE(model.failed) << text;
    EXPECT_THAT(text, HasSubstr("#moe.expr<slice, [#moe.source<\"model."
                                "safetensors\", \"model.layers.0.mlp.experts."
                                "gate_up_proj\">], dims = [1, 2, 2]>"));
  }
}

TEST(HuggingFace, readsModelsWithoutPrefix) {
  TestModel model;
  TensorSpecs bare;
  for (const auto &[name, tensor] : model.tensors)
    bare[name.substr(6)] = tensor;
  model.tensors = bare;
  EXPECT_THAT(model.import(), HasSubstr("\"layers.0.mlp.gate.weight\""));
}

TEST(HuggingFace, readsShards) {
  TestModel model;
  Json map = Json::object();
  TensorSpecs parts[2];
  int index = 0;
  for (const auto &[name, tensor] : model.tensors) {
    parts[index % 2][name] = tensor;
    map[name] = index++ % 2 ? "b.safetensors" : "a.safetensors";
  }
  model.directory.write("config.json", model.config.dump());
  model.directory.write("a.safetensors", makeZeroSafetensors(parts[0]));
  model.directory.write("b.safetensors", makeZeroSafetensors(parts[1]));
  auto importWith = [&](const Json &json) {
    model.directory.write("model.safetensors.index.json", json.dump());
    return model.importFile("");
  };
  EXPECT_THAT(importWith({{"weight_map", map}}),
              HasSubstr("#moe.source<\"b.safetensors\""));
  EXPECT_FALSE(model.failed);

  const std::string gate = "model.layers.0.mlp.gate.weight";
  Json spoiled = map;
  spoiled[gate] =
      map[gate] == "a.safetensors" ? "b.safetensors" : "a.safetensors";
  EXPECT_EQ(importWith({{"weight_map", spoiled}}),
            spoiled[gate].get<std::string>() + ": no tensor '" + gate + "'");
  spoiled[gate] = "c.safetensors";
  EXPECT_EQ(importWith({{"weight_map", spoiled}}),
            "c.safetensors: cannot open: No such file or directory");
  spoiled.erase(gate);
  EXPECT_EQ(importWith({{"weight_map", spoiled}}),
            "model.safetensors.index.json: no tensor '" + gate + "'");
  for (Json bad :
       {Json("../a.safetensors"), Json("/a"), Json(".."), Json(1), Json("")}) {
    spoiled[gate] = bad;
    EXPECT_EQ(importWith({{"weight_map", spoiled}}),
              "model.safetensors.index.json: tensor '" + gate +
                  "': expected the name of a file in the same directory, "
                  "found " +
                  bad.dump());
  }
  EXPECT_EQ(importWith({{"weight_map", 3}}),
            "model.safetensors.index.json: expected an object 'weight_map'");
  EXPECT_EQ(importWith(Json::array()),
            "model.safetensors.index.json: expected an object 'weight_map'");
}

//===----------------------------------------------------------------------===//
// The table
//===----------------------------------------------------------------------===//

TEST(HuggingFace, readsOneNumberForEachLayer) {
  TestModel model("olmoe");
  model.config["model_type"] = "hunyuan_v1_moe";
  model.config["num_experts_per_tok"] = nullptr;
  model.config["moe_topk"] = {1, 3, 2};
  model.config["num_experts"] = 3;
  model.config["moe_topk"] = {2};
  EXPECT_EQ(model.import(), "config.json: field 'moe_topk': expected a number "
                            "for layer 1, found 1 numbers");
}

TEST(HuggingFace, readsTheLanguageModelsConfiguration) {
  TestModel model("olmoe");
  Json inner = model.config;
  inner["model_type"] = "olmoe_text";
  model.config = {{"model_type", "several"}, {"text_config", inner}};
  EXPECT_THAT(model.import(), HasSubstr("@layers.0.moe"));
  inner["num_experts"] = 0;
  model.config["text_config"] = inner;
  EXPECT_EQ(model.import(), "config.json: field 'text_config.num_experts': "
                            "expected a whole number from 1 to 1048576, found "
                            "0");
  model.config["text_config"] = 3;
  EXPECT_EQ(model.import(),
            "config.json: field 'text_config': expected an object, found 3");
}

TEST(HuggingFace, knowsEachModelTypeOnce) {
  llvm::StringSet<> seen;
  for (const hf::Architecture &architecture : hf::getArchitectures())
    for (llvm::StringRef type : hf::split(architecture.modelTypes)) {
      EXPECT_TRUE(seen.insert(type).second) << type.str();
      EXPECT_EQ(hf::findArchitecture(type), &architecture);
      EXPECT_EQ(hf::findArchitecture(type.str() + "_text"), &architecture);
    }
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

TEST(HuggingFace, refusesUnknownModels) {
  TestModel model;
  model.config["model_type"] = "qwen3";
  EXPECT_EQ(
      model.import(),
      "config.json: field 'model_type': 'qwen3' is not known; the nearest "
      "are 'qwen3_moe', 'qwen3_next' and 'qwen3_5_moe'; a JSON "
      "description with 'weights.tensors' can name this model's tensors "
      "(importers/json/description.fbs)");
  model.config["model_type"] = 3;
  EXPECT_EQ(model.import(),
            "config.json: field 'model_type': expected a string, found 3");
  model.config.erase("model_type");
  EXPECT_EQ(model.import(),
            "config.json: expected field 'model_type', found none");
}

TEST(HuggingFace, refusesConfigsWithoutExperts) {
  TestModel model;
  model.config.erase("num_experts");
  EXPECT_EQ(
      model.import(),
      "config.json: expected field 'num_experts' or 'num_local_experts' or "
      "'n_routed_experts' or 'moe_num_experts' or "
      "'ffn_config.moe_num_experts' (number of experts), found none");
  model.config["num_experts"] = 3;
  model.config["num_local_experts"] = 4;
  EXPECT_EQ(model.import(),
            "config.json: field 'num_local_experts': expected the value of "
            "'num_experts' (3), found 4");
}

TEST(HuggingFace, refusesBadNumbers) {
  for (const char *field :
       {"num_experts", "num_experts_per_tok", "hidden_size",
        "moe_intermediate_size", "num_hidden_layers", "decoder_sparse_step",
        "shared_expert_intermediate_size"})
    for (Json bad :
         {Json(0), Json(-1), Json(1.5), Json("4"), Json(true),
          Json(int64_t(1) << 40), Json(UINT64_MAX), Json::object()}) {
      TestModel model("qwen2_moe");
      model.config[field] = bad;
      EXPECT_THAT(model.import(),
                  testing::StartsWith("config.json: field '" +
                                      std::string(field) +
                                      "': expected a whole number from 1 to "))
          << bad;
    }
  TestModel model("qwen2_moe");
  model.config["num_experts_per_tok"] = 4;
  EXPECT_EQ(model.import(),
            "config.json: field 'num_experts_per_tok': expected at most the "
            "number of experts (3), found 4");
}

TEST(HuggingFace, refusesMissingNumbers) {
  for (const char *field :
       {"num_experts_per_tok", "hidden_size", "moe_intermediate_size",
        "num_hidden_layers", "shared_expert_intermediate_size"}) {
    TestModel model("qwen2_moe");
    model.config.erase(field);
    EXPECT_THAT(model.import(),
                testing::StartsWith("config.json: expected field '" +
                                    std::string(field)));
  }
}

TEST(HuggingFace, refusesBadSwitches) {
  TestModel model("qwen3_moe");
  model.config["norm_topk_prob"] = 1;
  EXPECT_EQ(model.import(), "config.json: field 'norm_topk_prob': expected "
                            "true or false, found 1");
  model.config["norm_topk_prob"] = true;
  model.config["hidden_act"] = "gelu_13";
  EXPECT_THAT(model.import(),
              testing::StartsWith("config.json: field 'hidden_act': 'gelu_13' "
                                  "is not one of silu, swish, gelu"));
  model.config["hidden_act"] = "silu";
  model.config["mlp_only_layers"] = 3;
  EXPECT_EQ(model.import(),
            "config.json: field 'mlp_only_layers': expected a list, found 3");
  model.config["mlp_only_layers"] = {0, "1"};
  EXPECT_EQ(model.import(), "config.json: field 'mlp_only_layers': expected "
                            "whole numbers, found \"1\"");
  model.config["mlp_only_layers"] = {0, 1};
  EXPECT_EQ(model.import(), "config.json: field 'mlp_only_layers': leaves no "
                            "MoE layer among 2");
  model.config["mlp_only_layers"] = Json::array();
  model.config["decoder_sparse_step"] = 3;
  EXPECT_EQ(model.import(), "config.json: field 'decoder_sparse_step': leaves "
                            "no MoE layer among 2");
  model.config["decoder_sparse_step"] = 1;
  model.config["quantization_config"] = {{"quant_method", "quip"}};
  EXPECT_EQ(model.import(),
            "config.json: field 'quantization_config.quant_method': expected "
            "fp8, fbgemm_fp8, mxfp4, gptq, awq or compressed-tensors, found "
            "'quip'");
  model.config["quantization_config"] = {{"quant_method", "gptq"}, {"bits", 3}};
  EXPECT_EQ(model.import(), "config.json: field 'quantization_config.bits': "
                            "expected 4, found 3");
}

TEST(HuggingFace, refusesBadTensors) {
  auto spoil = [](const std::string &name, auto change) {
    TestModel model("qwen2_moe");
    change(model.tensors, name);
    return model.import();
  };
  for (const char *suffix :
       {"gate.weight", "experts.1.gate_proj.weight", "experts.0.up_proj.weight",
        "experts.2.down_proj.weight", "shared_expert.gate_proj.weight",
        "shared_expert.up_proj.weight", "shared_expert.down_proj.weight",
        "shared_expert_gate.weight"}) {
    std::string name = "model.layers.1.mlp." + std::string(suffix);
    std::string where = "model.safetensors: ";
    EXPECT_EQ(spoil(name, [](auto &all, auto &key) { all.erase(key); }),
              where + "no tensor '" + name + "'");
    EXPECT_THAT(
        spoil(name, [](auto &all, auto &key) { all[key].shape[0] += 1; }),
        testing::StartsWith(where + "tensor '" + name + "': expected shape ["));
    EXPECT_EQ(spoil(name, [](auto &all, auto &key) { all[key].dtype = "I32"; }),
              where + "tensor '" + name +
                  "': expected dtype F32, F16 or BF16, found I32");
  }
  EXPECT_EQ(spoil("model.layers.0.mlp.experts.1.up_proj.weight",
                  [](auto &all, auto &key) { all[key].dtype = "F32"; }),
            "model.safetensors: tensor "
            "'model.layers.0.mlp.experts.1.up_proj.weight': expected dtype "
            "BF16 like 'model.layers.0.mlp.experts.0.up_proj.weight', found "
            "F32");
}

TEST(HuggingFace, refusesBadFiles) {
  TestModel model;
  EXPECT_EQ(model.importFile(""),
            "config.json: cannot open: No such file or directory");
  model.directory.write("config.json", "[1]");
  EXPECT_EQ(model.importFile(""), "config.json: expected an object, found [1]");
  model.directory.write("config.json", "{\"a\": 1, \"a\": 2}");
  EXPECT_EQ(model.importFile(""), "config.json: duplicate key 'a'");
  model.directory.write("config.json", std::string(1 << 20, '['));
  EXPECT_EQ(model.importFile(""), "config.json: nested deeper than 64 levels");
  model.directory.write("config.json", model.config.dump());
  EXPECT_EQ(model.importFile(""),
            ": expected model.safetensors or "
            "model.safetensors.index.json, found neither");
  model.directory.write("model.safetensors", "short");
  EXPECT_EQ(model.importFile(""), "model.safetensors: expected a safetensors "
                                  "header of at least 8 bytes, the file has 5");
}

TEST(HuggingFace, survivesEveryFlippedAndMissingByteOfTheConfig) {
  TestModel model("qwen2_moe");
  model.config["mlp_only_layers"] = {0};
  model.import();
  ASSERT_FALSE(model.failed);
  std::string text = model.config.dump();
  for (size_t index = 0; index < text.size(); ++index) {
    for (int bit : {0, 1, 4, 7}) {
      std::string flipped = text;
      flipped[index] ^= static_cast<char>(1 << bit);
      model.directory.write("config.json", flipped);
      model.importFile("");
    }
    model.directory.write("config.json", text.substr(0, index));
    model.importFile("");
    EXPECT_TRUE(model.failed);
  }
}

} // namespace
