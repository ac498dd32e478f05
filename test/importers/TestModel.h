// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A directory with a tiny model whose config and tensors a test may spoil.

#ifndef MOEC_TEST_IMPORTERS_TESTMODEL_H
#define MOEC_TEST_IMPORTERS_TESTMODEL_H

#include "importers/Importer.h"
#include "mlir/IR/MLIRContext.h"
#include "test/weights/TestFiles.h"
#include "weights/Json.h"
#include <map>

namespace moec::test {

/// Tensors by name, all zero.
struct TensorSpec {
  std::string dtype;
  std::vector<int64_t> shape;
};
using TensorSpecs = std::map<std::string, TensorSpec>;

inline std::string makeZeroSafetensors(const TensorSpecs &tensors) {
  Json header = Json::object();
  int64_t offset = 0;
  for (const auto &[name, tensor] : tensors) {
    int64_t bytes = tensor.dtype == "F32" || tensor.dtype == "I32" ? 4 : 2;
    for (int64_t size : tensor.shape)
      bytes *= size;
    header[name] = {{"dtype", tensor.dtype},
                    {"shape", tensor.shape},
                    {"data_offsets", {offset, offset + bytes}}};
    offset += bytes;
  }
  return makeSafetensors(header.dump(), std::string(offset, '\0'));
}

/// Hidden size 4, 3 experts of size 2, top 2, 2 layers.
class TestModel {
public:
  explicit TestModel(const std::string &type = "olmoe");

  /// Imports what the members say now; the module's text, or an error with the
  /// directory's name taken out.
  std::string import(ImportScope scope = ImportScope::Moe);
  /// Imports a file of the directory.
  std::string importFile(llvm::StringRef name,
                         ImportScope scope = ImportScope::Moe);

  Json config;
  TensorSpecs tensors;
  Directory directory;
  bool failed = false; ///< whether the last import was an error
};

inline TestModel::TestModel(const std::string &type) {
  bool mixtral = type == "mixtral";
  config = {{"model_type", type},         {"hidden_size", 4},
            {"num_hidden_layers", 2},     {"num_experts_per_tok", 2},
            {"hidden_act", "silu"},       {"intermediate_size", 2},
            {"moe_intermediate_size", 2}, {"decoder_sparse_step", 1}};
  config[mixtral ? "num_local_experts" : "num_experts"] = 3;
  if (type == "qwen2_moe")
    config["shared_expert_intermediate_size"] = 5;
  for (int layer = 0; layer < 2; ++layer) {
    std::string block = "model.layers." + std::to_string(layer) +
                        (mixtral ? ".block_sparse_moe." : ".mlp.");
    auto addGlu = [&](const std::string &prefix, int64_t size) {
      tensors[prefix + (mixtral ? "w1" : "gate_proj") + ".weight"] = {
          "BF16", {size, 4}};
      tensors[prefix + (mixtral ? "w3" : "up_proj") + ".weight"] = {"BF16",
                                                                    {size, 4}};
      tensors[prefix + (mixtral ? "w2" : "down_proj") + ".weight"] = {
          "BF16", {4, size}};
    };
    tensors[block + "gate.weight"] = {"F32", {3, 4}};
    for (int expert = 0; expert < 3; ++expert)
      addGlu(block + "experts." + std::to_string(expert) + ".", 2);
    if (type == "qwen2_moe") {
      addGlu(block + "shared_expert.", 5);
      tensors[block + "shared_expert_gate.weight"] = {"BF16", {1, 4}};
    }
  }
}

inline std::string TestModel::importFile(llvm::StringRef name,
                                         ImportScope scope) {
  mlir::MLIRContext context;
  std::string path =
      name.empty() ? directory.str().str() : directory.file(name);
  auto module = importModel(path, {scope}, context);
  failed = !module;
  std::string text;
  if (module) {
    llvm::raw_string_ostream stream(text);
    (*module)->print(stream);
  } else {
    text = llvm::toString(module.takeError());
  }
  std::string prefix = directory.str().str();
  for (size_t at; (at = text.find(prefix)) != std::string::npos;) {
    bool slash = text[at + prefix.size()] == '/';
    text.erase(at, prefix.size() + slash);
  }
  return text;
}

inline std::string TestModel::import(ImportScope scope) {
  directory.write("config.json", config.dump());
  directory.write("model.safetensors", makeZeroSafetensors(tensors));
  return importFile("", scope);
}

} // namespace moec::test

#endif // MOEC_TEST_IMPORTERS_TESTMODEL_H
